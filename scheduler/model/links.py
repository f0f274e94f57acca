"""The ways between boxes: what is to be measured of them, what was, and what travelled."""

from __future__ import annotations

from dataclasses import dataclass

MOST_LATENCY_US = 60_000_000
"""An answer that takes longer than a minute is no link."""
LEAST_BYTES_PER_S, MOST_BYTES_PER_S = 1_000, 10**13
"""Slower than a modem or faster than any memory is nonsense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAsk:
    """Measure what it takes to fetch tensors from a box.

    Parameters
    ----------
    url
        Where that box hands out its tensors.
    """

    box: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMeasured:
    """What tensors take from one box to another; from a box to itself, what handing them on takes.

    Parameters
    ----------
    source, target
        Boxes.
    latency_us
        Of the smallest tensor that does not travel inside a message.
    bytes_per_s
        Of a large one, the latency apart.
    error
        Why nothing could be measured; empty if it was.
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
    """What an operation fetched from one other box, all its tensors together."""

    source: str
    size_bytes: int
    duration_us: int


def nonsense(found: LinkMeasured) -> str:
    """Say which law the figures break; empty if they may be true."""
    fields = (
        ("latency_us", found.latency_us, 1, MOST_LATENCY_US),
        ("bytes_per_s", found.bytes_per_s, LEAST_BYTES_PER_S, MOST_BYTES_PER_S),
    )
    for name, got, least, most in fields:
        if not least <= got <= most:
            return f"{name} must be within {least} and {most}; got {got}"
    return ""
