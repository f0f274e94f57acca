"""Look-ups derived from the runs that have not ended, kept up to date so that nobody searches.

The cost of an event must not grow with what waits. Everything here can be built anew from the runs.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scheduler.control.records import OperationState
from scheduler.control.state.operations import ENDED, SENT, LiveOperation, LiveRun
from scheduler.model.problem import Band

_Place = tuple[bool, int, str]
"""Place of a run in its band: those that go first come first, then by when they came."""


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
    _lines: dict[Band, list[_Place]] = field(default_factory=dict)
    _runs: dict[str, tuple[LiveRun, _Place]] = field(default_factory=dict)

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
        self.unfinished += run.unfinished
        if run.kind == "profile":
            self.profiles[run.id] = run
        self._line_up(run, is_first=False)

    def remove(self, run: LiveRun) -> None:
        """Leave out a run that ends; none of its operations is with an agent any more."""
        self.unfinished -= run.unfinished
        self.profiles.pop(run.id, None)
        self._leave_line(run)

    def set_band(self, run: LiveRun, band: Band, *, is_first: bool = False) -> None:
        """Have a run count as being of a band, and go before all others of it or not."""
        if run.id in self._runs:
            self._leave_line(run)
            run.effective_band = band
            self._line_up(run, is_first=is_first)
        else:
            run.effective_band = band

    def by_urgency(self) -> Iterator[LiveRun]:
        """The runs by band, and by when they came within a band."""
        for band in Band:
            yield from self.in_band(band)

    def in_band(self, band: Band) -> Iterator[LiveRun]:
        """The runs of a band by when they came."""
        for _, _, name in self._lines.get(band, ()):
            yield self._runs[name][0]

    def count(self, band: Band) -> int:
        """Number of runs of a band."""
        return len(self._lines.get(band, ()))

    def running(self) -> int:
        """Number of operations that run."""
        return sum(op.state is OperationState.RUNNING for op in self.sent.values())

    def enter(self, op: LiveOperation) -> None:
        """Count an operation among those that are with an agent."""
        self.sent[op.id] = op

    def leave(self, op: LiveOperation) -> None:
        """Count an operation out of those that are with an agent."""
        self.sent.pop(op.id, None)

    def stay(self, op: LiveOperation) -> None:
        """Leave all as it is: the agent that has an operation goes on to have it."""

    def close(self, op: LiveOperation) -> None:
        """Count an operation out of those that are open, for good as far as is known."""
        self.leave(op)
        del op.run.open[op.id]
        self.unfinished -= 1

    def finish(self, op: LiveOperation) -> None:
        """Close an operation that is done, and have its consumers wait for it no longer."""
        self.close(op)
        op.run.done += 1
        for name in op.consumers:
            consumer = op.run.operations[name]
            consumer.unmet.pop(op.id, None)
            consumer.inputs = None

    def open(self, op: LiveOperation) -> None:
        """Count an operation among those that are open again, in the order of its run."""
        run = op.run
        run.open = {each.id: each for each in run.operations.values() if each.state not in ENDED}
        self.unfinished += 1

    def redo(self, op: LiveOperation) -> None:
        """Open an operation that was done, and have its consumers wait for it again."""
        self.open(op)
        op.run.done -= 1
        for name in op.consumers:
            consumer = op.run.operations[name]
            consumer.unmet.update({e.source: e for e in consumer.edges if e.source == op.id})
            consumer.inputs = None

    def _line_up(self, run: LiveRun, *, is_first: bool) -> None:
        place = (not is_first, run.sequence, run.id)
        self._runs[run.id] = (run, place)
        insort(self._lines.setdefault(run.effective_band, []), place)

    def _leave_line(self, run: LiveRun) -> None:
        _, place = self._runs.pop(run.id)
        line = self._lines[run.effective_band]
        del line[bisect_left(line, place)]
