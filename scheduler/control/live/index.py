"""What is derived from the runs that have not ended, kept up to date so that nobody has to search.

The cost of an event must not grow with what waits. Everything here can be built anew from the runs.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scheduler.control.live.operations import SENT, LiveOperation, LiveRun
from scheduler.control.records import OperationState
from scheduler.model.problem import Band


@dataclass(slots=True)
class Index:
    """Runs that have not ended, by urgency, and counts of their operations.

    Parameters
    ----------
    sent
        Operations that are with an agent.
    profiles
        Runs that measure a model.
    unfinished
        Operations of all these runs that are not done, those included that are only a number.
    """

    sent: dict[str, LiveOperation] = field(default_factory=dict)
    profiles: dict[str, LiveRun] = field(default_factory=dict)
    unfinished: int = 0
    _lines: dict[Band, list[tuple[int, str]]] = field(default_factory=dict)
    _runs: dict[str, LiveRun] = field(default_factory=dict)

    @classmethod
    def of(cls, runs: Iterable[LiveRun]) -> Index:
        """Build the index of runs that are there already."""
        index = cls()
        for run in runs:
            index.add(run)
            index.sent.update({op.id: op for op in run.open.values() if op.state in SENT})
        return index

    def add(self, run: LiveRun) -> None:
        """Take in a run, with the operations that it has."""
        self._runs[run.id] = run
        self.unfinished += run.unfinished
        if run.kind == "profile":
            self.profiles[run.id] = run
        insort(self._lines.setdefault(run.effective_band, []), (run.sequence, run.id))

    def remove(self, run: LiveRun) -> None:
        """Leave out a run that ends; none of its operations is with an agent any more."""
        del self._runs[run.id]
        self.unfinished -= run.unfinished
        self.profiles.pop(run.id, None)
        self._leave_line(run)

    def set_band(self, run: LiveRun, band: Band) -> None:
        """Have a run count as being of a band."""
        if run.id not in self._runs:
            run.effective_band = band
            return
        self._leave_line(run)
        run.effective_band = band
        insort(self._lines.setdefault(band, []), (run.sequence, run.id))

    def by_urgency(self) -> Iterator[LiveRun]:
        """The runs by band, and by when they came within a band."""
        for band in Band:
            yield from self.in_band(band)

    def in_band(self, band: Band) -> Iterator[LiveRun]:
        """The runs of a band by when they came."""
        for _, name in self._lines.get(band, ()):
            yield self._runs[name]

    def running(self) -> int:
        """How many operations run."""
        return sum(op.state is OperationState.RUNNING for op in self.sent.values())

    def _leave_line(self, run: LiveRun) -> None:
        line = self._lines[run.effective_band]
        del line[bisect_left(line, (run.sequence, run.id))]
