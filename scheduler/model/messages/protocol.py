"""Which form of these messages somebody speaks, so that nobody misreads what another meant."""

from __future__ import annotations

PROTOCOL = 2
"""The form that this release speaks. It rises when a reader of the form before would misread; a new
field with a default is no reason."""
KNOWN_PROTOCOLS = (1, 2)
"""Forms that this release understands: its own, and that of the release before. Who says nothing
speaks 1."""


def not_understood(who: str, protocol: int) -> str:
    """Why somebody's messages are refused, for a person; empty if they are not.

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
