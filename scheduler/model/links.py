"""Links between boxes: requests to measure them, measurements, and transfers made."""

from __future__ import annotations

from dataclasses import dataclass

MOST_LATENCY_US = 60_000_000
"""Largest latency, a minute; a slower answer comes from no link."""
LEAST_BYTES_PER_S, MOST_BYTES_PER_S = 1_000, 10**13
"""Range of bandwidths, from a modem to the fastest memory; others are nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAsk:
    """Request to measure the transfer of tensors from a box.

    Parameters
    ----------
    url
        Address at which that box serves its tensors.
    """

    box: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMeasured:
    """Measured transfer of tensors from one box to another; within a box, of handing them on.

    Parameters
    ----------
    source, target
        Boxes.
    latency_us
        Time of the smallest tensor that does not travel inside a message.
    bytes_per_s
        Rate of a large tensor, without the latency.
    error
        Reason why nothing could be measured; empty on success.
    """

    at_us: int
    agent: str
    source: str
    target: str
    latency_us: int = 0
    bytes_per_s: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Tensors that an operation fetched from one other box, all together."""

    source: str
    size_bytes: int
    duration_us: int


def nonsense(found: LinkMeasured) -> str:
    """Name the law that the figures break; empty if they are plausible."""
    fields = (
        ("latency_us", found.latency_us, 1, MOST_LATENCY_US),
        ("bytes_per_s", found.bytes_per_s, LEAST_BYTES_PER_S, MOST_BYTES_PER_S),
    )
    for name, got, least, most in fields:
        if not least <= got <= most:
            return f"{name} must be within {least} and {most}; got {got}"
    return ""
