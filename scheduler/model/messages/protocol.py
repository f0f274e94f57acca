"""Versions of the message forms, so that neither side misreads the other."""

from __future__ import annotations

PROTOCOL = 2
"""Form that this release speaks. It rises if a reader of the previous form would misread, but not
for a new field with a default."""
KNOWN_PROTOCOLS = (1, 2)
"""Forms that this release understands: its own, and that of the previous release. A sender that
names none speaks 1."""


def not_understood(who: str, protocol: int) -> str:
    """Explain to a person why a sender's messages are refused; empty if they are not.

    Examples
    --------
    >>> not_understood("agent a", 9)
    'agent a speaks protocol 9, and this release understands 1, 2: update the older of the two'
    >>> not_understood("agent a", 1)
    ''
    """
    if protocol in KNOWN_PROTOCOLS:
        return ""
    known = ", ".join(map(str, KNOWN_PROTOCOLS))
    return (
        f"{who} speaks protocol {protocol}, and this release understands {known}: "
        "update the older of the two"
    )
