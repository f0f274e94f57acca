"""The events that a controller was taking in: all that its successor knows of how it ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The events that a controller may be taking in: the first `count` from `start` on.

    Parameters
    ----------
    start
        Id of an entry of the log; with ``(`` before it the entries after that one.
    deaths
        Controllers that ended while they took in just this one event.
    """

    start: str
    count: int
    deaths: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An event that every fold leaves out, and why.

    Parameters
    ----------
    entry
        Its id in the log.
    at_us
        Time at which it was set aside.
    event
        Its kind.
    run
        The run that failed with it; empty if none did.
    """

    entry: str
    at_us: int
    event: str
    reason: str
    run: str = ""
