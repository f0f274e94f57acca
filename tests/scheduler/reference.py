"""Schedules made by trying one microsecond after the other: too slow for use, too simple to err.

Times are small here, so each rule can be asked about each moment as it stands in the glossary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations, product

from scheduler.model.checker import ViolationKind, check
from scheduler.model.objectives import Objective, evaluate
from scheduler.model.problem import Demand, Edge, Mode, Operation, Problem
from scheduler.model.schedule import Assignment, Schedule
from scheduler.solvers.arrays import Arrays, Solution
from scheduler.solvers.translating import solution_of
from tests.scheduler.strategies import HOME

LATEST_US = 300
"""Longer than all operations of a random problem one after another."""


def serial(problem: Problem, form: Arrays) -> Solution:
    """A plan that keeps every rule but deadlines: the home modes one after another."""
    return solution_of(problem, form, home_schedule(problem))


def home_schedule(problem: Problem) -> Schedule:
    order = [op for op in problem.topological_order() if op.progress is None]
    homes = {
        op.id: next((i for i, m in enumerate(op.modes) if m.variant == HOME), 0) for op in order
    }
    made = placed(problem, homes, order)
    assert made is not None
    return made


def placed(
    problem: Problem, modes: Mapping[str, int], order: Sequence[Operation]
) -> Schedule | None:
    """Each operation of the order as early as can be, but not before those that it follows.

    Over all modes and orders, one of these is best for each objective that only falls when
    something ends earlier.
    """
    done: dict[str, Assignment] = {}
    for op in problem.operations:
        if op.progress is not None:
            end_us = op.progress.end_us
            if end_us is None:
                took_us = op.modes[op.progress.mode].duration_us
                end_us = max(op.progress.start_us + took_us, problem.now_us)
            done[op.id] = _assignment(op, op.progress.mode, op.progress.start_us, end_us)
    at_us = problem.now_us
    for op in order:
        mode = op.modes[modes[op.id]]
        at_us = max(at_us, problem.job(op.job).release_us)
        while not _fits(problem, done, op, mode, at_us):
            at_us += 1
            if at_us > LATEST_US:
                return None
        done[op.id] = _assignment(op, modes[op.id], at_us, at_us + mode.duration_us)
    return Schedule(assignments=tuple(done[op.id] for op in problem.operations))


def schedules(problem: Problem) -> Iterator[Schedule]:
    """All schedules of that kind. Among them is a best one for every objective."""
    free = [op for op in problem.operations if op.progress is None]
    for order in permutations(free):
        seen: set[str] = set()
        names = {op.id for op in free}
        for op in order:
            if any(e.source in names - seen for e in problem.edges_in(op.id)):
                break
            seen.add(op.id)
        else:
            for chosen in product(*(range(len(op.modes)) for op in order)):
                modes = {op.id: mode for op, mode in zip(order, chosen, strict=True)}
                made = placed(problem, modes, order)
                if made is not None:
                    yield made


def optima(problem: Problem) -> dict[Objective, int]:
    """Best value of each objective by trying everything; none where no schedule keeps all rules."""
    best: dict[Objective, int] = {}
    for made in schedules(problem):
        kinds = {violation.kind for violation in check(problem, made)}
        for objective in Objective:
            allowed = {ViolationKind.DEADLINE} if objective is Objective.DEADLINE_MISSES else set()
            if kinds <= allowed:
                value = evaluate(problem, made, objective)
                best[objective] = min(best.get(objective, value), value)
    return best


def _assignment(op: Operation, mode: int, start_us: int, end_us: int) -> Assignment:
    return Assignment(
        operation=op.id,
        mode=mode,
        machine=op.modes[mode].machine,
        start_us=start_us,
        end_us=end_us,
    )


def _fits(
    problem: Problem, done: Mapping[str, Assignment], op: Operation, mode: Mode, start_us: int
) -> bool:
    """True if it can start then, after all operations placed."""
    machine = problem.machine(mode.machine)
    run = range(start_us, start_us + mode.duration_us)
    here = [a for a in done.values() if a.machine == machine.id]
    # Of history that began and ended together, the one that stands last in the problem.
    before = max(reversed(here), key=lambda a: (a.start_us, a.end_us), default=None)
    loaded = {machine.family, *machine.kept}
    if machine.keeps_setups:
        loaded |= {_family(problem, assignment) for assignment in here}
    elif before is not None:
        loaded = {_family(problem, before)}
    begin_us = start_us if mode.family in loaded else start_us - mode.setup_us
    lane = range(begin_us, run.stop)
    return (
        all(t not in lane for w in machine.unavailable for t in range(w.start_us, w.end_us))
        and (not machine.exclusive or all(a.end_us <= begin_us for a in here))
        and begin_us >= problem.now_us
        and all(
            _has_come(problem, done[e.source], e, mode) <= start_us for e in problem.edges_in(op.id)
        )
        and all(_leaves(problem, done, demand, t) for demand in mode.demands for t in run)
    )


def _family(problem: Problem, assignment: Assignment) -> str:
    return problem.operation(assignment.operation).modes[assignment.mode].family


def _has_come(problem: Problem, source: Assignment, edge: Edge, mode: Mode) -> int:
    pair = (problem.machine(source.machine).device_id, problem.machine(mode.machine).device_id)
    if not problem.connected(*pair):
        return LATEST_US + 1
    return source.end_us + problem.transfer_us(edge, *pair)


def _leaves(problem: Problem, done: Mapping[str, Assignment], demand: Demand, at_us: int) -> bool:
    """True if enough of a renewable resource is free at that time."""
    resource = next(r for r in problem.resources if r.id == demand.resource)
    if not resource.renewable or not demand.amount:
        return True
    total = demand.amount
    for assignment in done.values():
        op = problem.operation(assignment.operation)
        has_ended = op.progress is not None and op.progress.end_us is not None
        if assignment.start_us <= at_us < assignment.end_us and not has_ended:
            demands = op.modes[assignment.mode].demands
            total += sum(d.amount for d in demands if d.resource == resource.id)
    return total <= resource.capacity
