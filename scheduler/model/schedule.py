"""A solver's result: a schedule with its value and proven bound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NoReturn

from scheduler.model.errors import InvalidInput
from scheduler.model.operations import Band


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One placed operation: its mode, machine and span.

    Parameters
    ----------
    mode
        Index into the operation's modes; `machine` repeats the machine of that mode.
    start_us, end_us
        Half-open span in microseconds from the origin of the problem.
    """

    operation: str
    mode: int
    machine: str
    start_us: int
    end_us: int


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Mode and start of every operation of a problem."""

    assignments: tuple[Assignment, ...]

    @cached_property
    def _by_operation(self) -> dict[str, Assignment]:
        return {assignment.operation: assignment for assignment in self.assignments}

    def __getitem__(self, operation_id: str) -> Assignment:
        return self._by_operation[operation_id]

    def __contains__(self, operation_id: object) -> bool:
        return operation_id in self._by_operation

    def __iter__(self) -> Iterator[Assignment]:
        return iter(self.assignments)

    def __len__(self) -> int:
        return len(self.assignments)

    @property
    def makespan_us(self) -> int:
        """Latest end over all operations, in microseconds from the origin; 0 if there are none."""
        return max((assignment.end_us for assignment in self.assignments), default=0)

    def on_machine(self, machine_id: str) -> tuple[Assignment, ...]:
        """List the assignments of one machine, in order of start."""
        found = (a for a in self.assignments if a.machine == machine_id)
        return tuple(sorted(found, key=lambda a: (a.start_us, a.end_us, a.operation)))


_SETTERS = tuple(
    getattr(Assignment, name).__set__
    for name in ("operation", "mode", "machine", "start_us", "end_us")
)


def placed(
    *,
    operations: Sequence[str],
    modes: Sequence[int],
    machines: Sequence[str],
    starts_us: Sequence[int],
    ends_us: Sequence[int],
) -> Schedule:
    """Make a schedule out of columns, one entry per operation.

    Examples
    --------
    >>> placed(operations=["a"], modes=[0], machines=["m"], starts_us=[1], ends_us=[3]).makespan_us
    3
    """
    # Fills the slots directly, because the initialiser of a frozen class takes three times as long,
    # and re-planning waits for hundreds of these.
    assignments = [object.__new__(Assignment) for _ in operations]
    columns = (operations, modes, machines, starts_us, ends_us)
    for put, column in zip(_SETTERS, columns, strict=True):
        for assignment, value in zip(assignments, column, strict=True):
            put(assignment, value)
    return Schedule(assignments=tuple(assignments))


class Status(StrEnum):
    """End of a solver's search. "No solution" is a value, never an exception.

    LIMIT means that the question is open. It may come with a schedule that keeps every rule except
    deadlines: the best one so far, for a caller who runs late work as well.
    """

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    LIMIT = "limit"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a solver's time and threads.

    Parameters
    ----------
    time_s
        Wall time in seconds, finite, at least 0. A limit in `deterministic_s` alone makes the
        answer reproducible.
    deterministic_s
        Work in the engine's own deterministic unit (about a second), finite, more than 0; ``None``
        for no such limit.
    workers
        Threads the solver may use. At least 1.

    Raises
    ------
    InvalidInput
        If a limit is out of its range; the message names it and the value.
    """

    time_s: float = 10.0
    deterministic_s: float | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        if not _is_finite(self.time_s) or self.time_s < 0:
            _refuse("limits.time_s", "must be a finite number >= 0", self.time_s)
        work_s = self.deterministic_s
        if work_s is not None and (not _is_finite(work_s) or work_s <= 0):
            _refuse("limits.deterministic_s", "must be a finite number > 0", work_s)
        if type(self.workers) is not int or self.workers < 1:
            _refuse("limits.workers", "must be an integer >= 1", self.workers)


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and type(value) is not bool and math.isfinite(value)


def _refuse(path: str, law: str, got: object) -> NoReturn:
    raise InvalidInput(f"{path} {law}; got {got!r}", field=path)


SIGNED = {"signed": True}
"""Mark of fields that can be negative, such as the maximum lateness; no other integer can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePoint:
    """Improvement of the best value to `value`, `time_s` seconds after the search began."""

    time_s: float
    value: int = field(metadata=SIGNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandResult:
    """Result of one priority band: its value in the plan, and the proven bound.

    Parameters
    ----------
    status
        OPTIMAL if no plan with the same values of all bands above is better for this band, and
        those bands are OPTIMAL as well.
    value
        The objective over the operations of the band's jobs; ``None`` without a schedule.
    bound
        Lower bound for this band over plans in which all bands above keep their values or better.
    claimed_by
        Engine that alone claims the bound; see `Result`.
    """

    band: Band
    status: Status
    value: int | None = field(default=None, metadata=SIGNED)
    bound: int | None = field(default=None, metadata=SIGNED)
    claimed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A solver's answer.

    Parameters
    ----------
    value
        The objective of `schedule`; ``None`` without a schedule.
    bound
        Proven lower bound on the objective, kept even when no schedule was found.
    confirmed_bound
        Part of the bound that our own bounds or the mixed-integer program prove.
    claimed_by
        Engine that alone claims the rest of the bound, or that there is no schedule; empty if none
        does. CP-SAT was seen to prove wrong bounds, so its proofs are reported as claims.
    found_by
        Member of a portfolio that found the schedule.
    broken
        Members of a portfolio that broke, each with its error: the answer is that of the others.
    trace
        Each improvement, in order of time.
    bands
        Results per band if there are several, the most urgent first. The status is then OPTIMAL if
        that of each is; `value` and `bound` are those of all operations together, and the value of
        the best plan can be above the bound.
    """

    status: Status
    solver: str
    objective: str = "makespan"
    schedule: Schedule | None = None
    value: int | None = field(default=None, metadata=SIGNED)
    bound: int | None = field(default=None, metadata=SIGNED)
    confirmed_bound: int | None = field(default=None, metadata=SIGNED)
    claimed_by: str = ""
    found_by: str = ""
    broken: tuple[str, ...] = ()
    trace: tuple[TracePoint, ...] = ()
    bands: tuple[BandResult, ...] = ()
    statistics: dict[str, float] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """``(value - bound) / value``: 0 when optimality is proven, ``None`` when unknown."""
        if self.value is None or self.bound is None:
            return None
        return 0.0 if self.value == 0 else (self.value - self.bound) / self.value
