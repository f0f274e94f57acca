"""Which solvers, in what order, under one budget. Every schedule is judged before it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scheduler.model.checker import ViolationKind, check
from scheduler.model.errors import InvalidSchedule, UnknownName
from scheduler.model.indexed import indexed, inherited_bands
from scheduler.model.problem import Operation, Problem, Progress
from scheduler.model.schedule import Limits, Result, Schedule, Status
from scheduler.solvers import registry
from scheduler.solvers.heuristics.left_shift import left_shifted

HEURISTICS = ("heft", "fastest_machine")
IMPROVER = "cp_sat"
SOLVED = frozenset({Status.OPTIMAL, Status.FEASIBLE})


def names() -> tuple[str, ...]:
    """Everything that `solve` takes as `solver`."""
    return ("auto", *registry.names())


def solve(
    problem: Problem, solver: str = "auto", limits: Limits | None = None, seed: int = 0
) -> Result:
    """Solve a problem with one solver, or with several that help each other.

    ``auto`` lets CP-SAT start from the best heuristic schedule, band by band: the plan of a higher
    band is fixed before a lower one is looked at. Value and bound are those of the makespan of the
    whole problem. A schedule that misses a deadline only ever comes with the status LIMIT.

    Raises
    ------
    UnknownName
        If there is no such solver.
    InvalidSchedule
        If a solver made a schedule that the checker refuses: a fault of ours.
    """
    limits = limits or Limits()
    if solver not in names():
        message = f"solver must be one of {', '.join(names())}; got {solver!r}"
        raise UnknownName(message, field="solver")
    if solver != "auto":
        return _judged(problem, registry.solver(solver)(problem, limits, seed))
    bands = inherited_bands(indexed(problem))
    if len(set(bands)) <= 1:
        return _raced(problem, limits, seed)
    return _by_band(problem, bands, limits, seed)


def _judged(problem: Problem, result: Result) -> Result:
    """Give the result back if the checker agrees with it."""
    if result.schedule is None:
        return result
    for violation in check(problem, result.schedule):
        # Heuristics do not steer by deadlines, and say so by their status.
        if violation.kind is ViolationKind.DEADLINE and result.status is Status.LIMIT:
            continue
        raise InvalidSchedule(f"schedule of {result.solver!r} is refused: {violation.message}")
    if result.value is not None and result.bound is not None and result.value < result.bound:
        message = f"bound of {result.solver!r} must be <= {result.value}; got {result.bound}"
        raise InvalidSchedule(message, field="bound")
    return result


def _constructed(problem: Problem, limits: Limits, seed: int) -> Result:
    """Best of what the heuristics give, without a search."""
    results = [_judged(problem, registry.solver(n)(problem, limits, seed)) for n in HEURISTICS]
    return _concluded(min(results, key=_rank))


def _raced(problem: Problem, limits: Limits, seed: int) -> Result:
    """Best heuristic schedule, or what CP-SAT makes of it; the larger bound."""
    start = _constructed(problem, limits, seed)
    if start.status in {Status.OPTIMAL, Status.INFEASIBLE}:
        return start
    improver = registry.solver(IMPROVER)
    if start.schedule is not None and isinstance(improver, registry.Hintable):
        improver = improver.hinted(start.schedule)
    found = _tidied(problem, _judged(problem, improver(problem, limits, seed)))
    bound = max(start.bound or 0, found.bound or 0)
    if found.status is Status.INFEASIBLE:
        return replace(found, bound=bound)
    best = min(start, found, key=_rank)
    return _concluded(replace(best, bound=bound, statistics=found.statistics))


def _tidied(problem: Problem, result: Result) -> Result:
    """Start everything as early as its order allows: search leaves slack where none is priced."""
    if result.schedule is None:
        return result
    schedule = left_shifted(problem, result.schedule)
    return _judged(problem, replace(result, schedule=schedule, value=schedule.makespan_us))


def _rank(result: Result) -> tuple[bool, bool, int]:
    """Order of preference: within the deadlines, any schedule at all, then the value."""
    return (result.status not in SOLVED, result.schedule is None, result.value or 0)


def _concluded(result: Result) -> Result:
    """Call optimal what meets its bound."""
    met = result.status in SOLVED and result.value == result.bound
    return replace(result, status=Status.OPTIMAL) if met else result


def _by_band(problem: Problem, bands: Sequence[int], limits: Limits, seed: int) -> Result:
    """Solve band after band, each with the plans of the higher ones fixed."""
    whole = _constructed(problem, limits, seed)
    if whole.status is Status.INFEASIBLE or _groups_span_bands(problem, bands):
        # A fixed higher band could leave the rest of a group no device.
        return whole
    result, fixed, bound = whole, None, whole.bound or 0
    for band in sorted(set(bands)):
        stage = _stage(problem, bands, band, fixed)
        share = bands.count(band) / len(bands)
        result = _raced(stage, _scaled(limits, share), seed)
        if fixed is None:
            # Only the first stage is free of earlier choices: its bound and refusal are absolute.
            bound = max(bound, result.bound or 0)
            if result.status is Status.INFEASIBLE:
                return replace(result, bound=bound)
        if result.status not in SOLVED:
            return replace(whole, bound=bound)
        fixed = result.schedule
    staged = _judged(problem, replace(result, status=Status.FEASIBLE, bound=bound))
    best = min(staged, whole, key=lambda r: (_rank(r)[:2], _band_ends_us(bands, r.schedule)))
    return _concluded(replace(best, bound=bound))


def _groups_span_bands(problem: Problem, bands: Sequence[int]) -> bool:
    band_of: dict[str, int] = {}
    return any(
        band_of.setdefault(operation.colocation, band) != band
        for operation, band in zip(problem.operations, bands, strict=True)
        if operation.colocation
    )


def _scaled(limits: Limits, share: float) -> Limits:
    work = None if limits.deterministic_s is None else limits.deterministic_s * share
    return replace(limits, time_s=limits.time_s * share, deterministic_s=work)


def _stage(problem: Problem, bands: Sequence[int], band: int, fixed: Schedule | None) -> Problem:
    """Give the part of a problem down to a band, what is planned already as if it had happened."""
    operations = tuple(
        _pinned(operation, fixed)
        for operation, own in zip(problem.operations, bands, strict=True)
        # What runs holds its machine, whatever its band.
        if own <= band or operation.progress is not None
    )
    inside = {operation.id for operation in operations}
    edges = tuple(e for e in problem.edges if e.source in inside and e.target in inside)
    return replace(problem, operations=operations, edges=edges)


def _pinned(operation: Operation, fixed: Schedule | None) -> Operation:
    if fixed is None or operation.id not in fixed:
        return operation
    placed = fixed[operation.id]
    progress = Progress(mode=placed.mode, start_us=placed.start_us, end_us=placed.end_us)
    return replace(operation, progress=progress)


def _band_ends_us(bands: Sequence[int], schedule: Schedule | None) -> tuple[int, ...]:
    """Makespan down to each band, most urgent first: how schedules with strict bands compare."""
    rows = list(zip(bands, schedule or (), strict=False))
    return tuple(
        max((placed.end_us for own, placed in rows if own <= band), default=0)
        for band in sorted(set(bands))
    )
