"""A stretch of time of a machine: an execution, a stop, a restart of its worker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scheduler.model.problem import Band

MOST_SPANS = 32
"""Spans remembered of a machine: a second of operations that take 30 ms each."""


class Doing(StrEnum):
    """The kind of thing that keeps a machine busy."""

    WORK = "work"
    STOP = "stop"  # work that ran was told to stop and has not let go
    RESTART = "restart"  # its worker is started again


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time of a machine, in absolute times of the site.

    Parameters
    ----------
    operation, run, band
        The work that ran, with the band that it counted as; empty if nothing did.
    """

    doing: Doing
    start_us: int
    end_us: int
    operation: str = ""
    run: str = ""
    band: Band = Band.CRITICAL
