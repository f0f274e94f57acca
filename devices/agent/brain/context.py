"""Circumstances of a run: other work of the agent beside it, and how busy its machine was.

Contention by others is told by the sensor (`devices.sensing.contention`); that by the agent's own
work is added here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from devices.agent.brain.lane import PYTHON
from scheduler.model.measuring import Load, Neighbour
from scheduler.model.messages import Dispatch, MachineReport, WorkKind

WINDOW_US = 1_000_000
"""Time that utilisation looks back."""
# Shorter company than this share of a run is passed over: it explains little of its time.
_LEAST_OVERLAP = 0.25


@dataclass(slots=True)
class _Run:
    """A run on a machine; `ended_us` is ``None`` while it lasts."""

    neighbour: Neighbour
    started_us: int
    ended_us: int | None = None
    queue: int = 0
    utilisation: float = 0.0
    idle_us: int = 0

    def overlap_us(self, start_us: int, end_us: int) -> int:
        """Time that it ran between two moments."""
        last_us = end_us if self.ended_us is None else min(end_us, self.ended_us)
        return max(0, last_us - max(start_us, self.started_us))

    @property
    def spent_us(self) -> int:
        """Time that it took; 0 while it lasts."""
        return 0 if self.ended_us is None else self.ended_us - self.started_us


@dataclass(slots=True)
class _History:
    """The recent runs of one machine, one after the other, the present one last.

    Parameters
    ----------
    spent_us
        Time of all of them together, so that no start has to add up a thousand.
    """

    cores: int
    runs: deque[_Run] = field(default_factory=deque)
    spent_us: int = 0

    def end(self, at_us: int) -> None:
        if self.runs and self.runs[-1].ended_us is None:
            last = self.runs[-1]
            last.ended_us = max(at_us, last.started_us)
            self.spent_us += last.spent_us

    def utilisation(self, at_us: int) -> float:
        """Share of the last second that it was busy; nothing runs now."""
        since_us = at_us - WINDOW_US
        while len(self.runs) > 1 and (self.runs[0].ended_us or 0) < since_us:
            self.spent_us -= self.runs.popleft().spent_us
        if not self.runs:
            return 0.0
        first = self.runs[0]
        inside_us = self.spent_us - first.spent_us + first.overlap_us(since_us, at_us)
        return min(1.0, inside_us / WINDOW_US)

    def longest(self, start_us: int, end_us: int) -> Neighbour | None:
        """Neighbour that ran most of that time, unless it was too little to matter."""
        spent: dict[Neighbour, int] = {}
        for run in reversed(self.runs):
            if run.ended_us is not None and run.ended_us <= start_us:
                break
            us = run.overlap_us(start_us, end_us)
            spent[run.neighbour] = spent.get(run.neighbour, 0) + us
        if sum(spent.values()) <= _LEAST_OVERLAP * (end_us - start_us):
            return None
        return max(spent, key=lambda neighbour: spent[neighbour])


class RecentRuns:
    """Recent runs of all machines of an agent. Times come with the events.

    Parameters
    ----------
    machines
        Those that the agent reported when it joined.
    """

    def __init__(self, machines: Iterable[MachineReport]) -> None:
        self._machines = {m.id: _History(max(1, len(m.cores))) for m in machines}

    def started(self, machine: str, dispatch: Dispatch, at_us: int, *, queue: int) -> None:
        """A run begins, and so many wait for the machine."""
        history = self._machines[machine]
        history.end(at_us)
        last_us = history.runs[-1].ended_us if history.runs else None
        run = _Run(_neighbour(dispatch, history.cores), at_us, queue=queue)
        run.utilisation = history.utilisation(at_us)
        run.idle_us = max(0, at_us - last_us) if last_us is not None else 0
        history.runs.append(run)

    def ended(self, machine: str, at_us: int) -> None:
        """The machine runs nothing any more, however that came."""
        self._machines[machine].end(at_us)

    def load(self, machine: str, at_us: int, *, sensed: Load, is_cold: bool) -> Load:
        """The circumstances of the run that ends now on a machine."""
        runs = self._machines[machine].runs
        if not runs:
            return sensed
        # Of a long run the last second tells: that is how far back the others are remembered.
        since_us = max(runs[-1].started_us, at_us - WINDOW_US)
        others = [history for name, history in self._machines.items() if name != machine]
        beside = [history.longest(since_us, at_us) for history in others]
        return replace(
            sensed,
            neighbours=tuple(neighbour for neighbour in beside if neighbour is not None),
            utilisation=runs[-1].utilisation,
            queue=runs[-1].queue,
            idle_us=runs[-1].idle_us,
            is_cold=is_cold,
        )


def _neighbour(dispatch: Dispatch, cores: int) -> Neighbour:
    provider = PYTHON if dispatch.work.kind is WorkKind.FUNCTION else dispatch.provider
    return Neighbour(kind=dispatch.kind, provider=provider, cores=cores)
