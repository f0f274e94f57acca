"""The limits of the queue: as many runs may be accepted and not ended."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.control.records import RunState
from scheduler.model import keys
from scheduler.model.errors import QueueFull

FINAL = frozenset({RunState.FINISHED, RunState.FAILED, RunState.CANCELLED})
"""States in which nothing more happens to a run."""
SAMPLE = 100
"""Runs of a full queue that are looked at when one more is refused: 1 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """Most runs that may be accepted and not ended: of the site, and of the workload."""

    site: int
    workload: int

    def reached(self, workload: str, answer: int) -> QueueFull:
        """The error for a run of that workload, after an answer of -1 (the site) or -2.

        Parameters
        ----------
        workload
            With its version, which does not count.
        """
        limit, of = self.site, "this site"
        if answer != -1:
            limit, of = self.workload, f"workload {_name(workload)!r}"
        return QueueFull(f"at most {limit} runs of {of} may be waiting or running; got one more")


NO_LIMITS = QueueLimits(site=2**53, workload=2**53)
"""More than there can be, and no more than the numbers of a script hold."""


def queues(site: str, workload: str) -> tuple[str, str]:
    """Keys of the two sets that a run is in until it ends."""
    return keys.open_runs(site), keys.open_runs_of(site, _name(workload))


def _name(workload: str) -> str:
    return workload.rpartition("@")[0]
