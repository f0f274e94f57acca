"""From valid schedules of rich random problems, each rule broken by itself is named by its kind.

Each spoiler changes the problem or the schedule in one place so that one rule is broken and no
other can be; it gives up on a plan that has nothing for it to spoil.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler.model.checker import ViolationKind, check
from scheduler.model.errors import InvalidProblem
from scheduler.model.problem import Edge, Link, Operation, Problem, Window
from scheduler.model.schedule import Assignment, Schedule
from tests.scheduler.reference import placed
from tests.scheduler.strategies import CORES, HOME, JOULES, Size, problems

T = TypeVar("T")
SIZE = Size(operations=5, modes=3)
Plan = tuple[Problem, Schedule]


class NothingToSpoil(Exception):
    pass


class Pick:
    """A choice among what there is, by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def __call__(self, found: Collection[T]) -> T:
        if not found:
            raise NothingToSpoil
        return self.random.choice(list(found))


Spoiler = Callable[[Problem, Schedule, Pick], Plan]
SPOILERS: dict[ViolationKind, Spoiler] = {}


def spoils(kind: ViolationKind) -> Callable[[Spoiler], Spoiler]:
    """Enter how a kind of violation is brought about."""

    def enter(spoiler: Spoiler) -> Spoiler:
        SPOILERS[kind] = spoiler
        return spoiler

    return enter


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A valid schedule in a drawn order: of drawn modes where they fit, else of home modes."""
    problem = draw(problems(size=SIZE))
    order: list[Operation] = []
    waiting = {op.id: op for op in problem.operations if op.progress is None}
    assume(waiting)
    while waiting:
        sources = {name: [e.source for e in problem.edges_in(name)] for name in waiting}
        ready = [name for name in waiting if not any(s in waiting for s in sources[name])]
        order.append(waiting.pop(draw(st.sampled_from(ready))))
    modes = {op.id: next(i for i, m in enumerate(op.modes) if m.variant == HOME) for op in order}
    best = placed(problem, modes, order)
    assert best is not None
    for op in order:
        tried = modes | {op.id: draw(st.integers(0, len(op.modes) - 1))}
        made = placed(problem, tried, order)
        if made is not None and not check(problem, made):
            modes, best = tried, made
    return problem, best


def open_ops(problem: Problem) -> list[Operation]:
    return [op for op in problem.operations if op.progress is None]


def with_op(problem: Problem, op: Operation) -> Problem:
    """The problem with that operation in the place of the one of its name."""
    operations = tuple(op if o.id == op.id else o for o in problem.operations)
    return replace(problem, operations=operations)


def with_mode(problem: Problem, at: Assignment, **fields: Any) -> Problem:
    """The problem with other fields of the mode that the operation runs in."""
    op = problem.operation(at.operation)
    modes = list(op.modes)
    modes[at.mode] = replace(modes[at.mode], **fields)
    return with_op(problem, replace(op, modes=tuple(modes)))


def with_machine(problem: Problem, name: str, **fields: Any) -> Problem:
    lanes = (replace(m, **fields) if m.id == name else m for m in problem.machines)
    return replace(problem, machines=tuple(lanes))


def changed(made: Schedule, name: str, **fields: Any) -> Schedule:
    spoiled = (replace(a, **fields) if a.operation == name else a for a in made)
    return Schedule(assignments=tuple(spoiled))


def an_open(problem: Problem, made: Schedule, pick: Pick) -> Assignment:
    return made[pick(open_ops(problem)).id]


def apart(
    problem: Problem, made: Schedule, pick: Pick, ops: Collection[Operation]
) -> tuple[Assignment, Assignment]:
    """Two operations on two devices, in order of start."""
    device = {machine.id: machine.device_id for machine in problem.machines}
    found = sorted((made[op.id] for op in ops), key=lambda at: at.start_us)
    pairs = [
        (one, other)
        for i, one in enumerate(found)
        for other in found[i + 1 :]
        if device[one.machine] != device[other.machine]
    ]
    return pick(pairs)


@spoils(ViolationKind.MISSING)
def leave_one_out(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    gone = pick(made.assignments)
    return problem, Schedule(assignments=tuple(a for a in made if a is not gone))


@spoils(ViolationKind.DUPLICATE)
def place_one_twice(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    return problem, Schedule(assignments=(*made, pick(made.assignments)))


@spoils(ViolationKind.UNKNOWN)
def place_a_stranger(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    stranger = replace(pick(made.assignments), operation="stranger")
    return problem, Schedule(assignments=(*made, stranger))


@spoils(ViolationKind.MODE)
def name_another_machine(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    return problem, changed(made, pick(made.assignments).operation, machine="elsewhere")


@spoils(ViolationKind.PROGRESS)
def rewrite_history(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    started = [(op, op.progress) for op in problem.operations if op.progress is not None]
    op, was = pick(started)
    moved = replace(was, start_us=was.end_us or was.start_us + 1)
    return with_op(problem, replace(op, progress=moved)), made


@spoils(ViolationKind.DURATION)
def take_longer(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    at = an_open(problem, made, pick)
    longer = problem.operation(at.operation).modes[at.mode].duration_us + 1
    return with_mode(problem, at, duration_us=longer, duration_p95_us=longer), made


@spoils(ViolationKind.PRECEDENCE)
def want_what_is_not_there(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    at = an_open(problem, made, pick)
    early = [a for a in made if a.end_us > at.start_us and a is not at]
    before = pick(early)
    edges = (*problem.edges, Edge(source=before.operation, target=at.operation))
    try:
        return replace(problem, edges=edges), made
    except InvalidProblem as it_closes_a_cycle:
        raise NothingToSpoil from it_closes_a_cycle


@spoils(ViolationKind.CONNECTIVITY)
def leave_only_the_way_back(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    one, other = apart(problem, made, pick, problem.operations)
    if problem.operation(other.operation).progress is not None:
        one, other = other, one
    if problem.operation(other.operation).progress is not None or other.start_us < one.end_us:
        raise NothingToSpoil
    edges = (*problem.edges, Edge(source=one.operation, target=other.operation))
    device = {machine.id: machine.device_id for machine in problem.machines}
    back = Link(source=device[other.machine], target=device[one.machine])
    return replace(problem, edges=edges, links=(back,)), made


@spoils(ViolationKind.OVERLAP)
def run_two_at_once(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    exclusive = [op for op in open_ops(problem) if problem.machine(made[op.id].machine).exclusive]
    op = pick(exclusive)
    at = made[op.id]
    # Of the same family, so that nobody's setup changes; in no memory, and without demands.
    modes = [replace(m, demands=(), peak_bytes=0, resident_bytes=0) for m in op.modes]
    twin = replace(op, id="twin", modes=tuple(modes))
    both = replace(problem, operations=(*problem.operations, twin))
    return both, Schedule(assignments=(*made, replace(at, operation="twin")))


@spoils(ViolationKind.SETUP)
def load_for_longer(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    cold = []
    for machine in problem.machines:
        loaded = {machine.family, *machine.kept}
        for at in made.on_machine(machine.id):
            op = problem.operation(at.operation)
            mode = op.modes[at.mode]
            if op.progress is None and machine.exclusive and mode.family not in ("", *loaded):
                cold.append(at)
            loaded = {*loaded, mode.family} if machine.keeps_setups else {mode.family}
    at = pick(cold)
    return with_mode(problem, at, setup_us=at.start_us - problem.now_us + 1), made


@spoils(ViolationKind.WINDOW)
def close_the_machine(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    at = an_open(problem, made, pick)
    start_us = pick(range(at.start_us, at.end_us))
    closed = Window(start_us=start_us, end_us=pick(range(start_us, at.end_us)) + 1)
    windows = [*problem.machine(at.machine).unavailable, closed]
    windows.sort(key=lambda window: window.start_us)
    return with_machine(problem, at.machine, unavailable=tuple(windows)), made


@spoils(ViolationKind.RELEASE)
def release_later(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    at = an_open(problem, made, pick)
    late = problem.operation(at.operation).job
    jobs = (replace(j, release_us=at.start_us + 1) if j.id == late else j for j in problem.jobs)
    return replace(problem, jobs=tuple(jobs)), made


@spoils(ViolationKind.PAST)
def let_time_pass(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    # Time that passes also makes setups late and running operations longer.
    setups = [op.modes[made[op.id].mode].setup_us for op in open_ops(problem)]
    if any(setups) or any(op.progress and op.progress.end_us is None for op in problem.operations):
        raise NothingToSpoil
    return replace(problem, now_us=an_open(problem, made, pick).start_us + 1), made


@spoils(ViolationKind.DEADLINE)
def set_a_deadline(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    at = an_open(problem, made, pick)
    op = problem.operation(at.operation)
    late_us = at.start_us + op.modes[at.mode].p95_us - 1
    jobs = (replace(j, deadline_us=late_us) if j.id == op.job else j for j in problem.jobs)
    return replace(problem, jobs=tuple(jobs)), made


@spoils(ViolationKind.COLOCATION)
def tie_what_is_apart(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    for at in apart(problem, made, pick, problem.operations):
        problem = with_op(problem, replace(problem.operation(at.operation), colocation="tied"))
    return problem, made


@spoils(ViolationKind.MEMORY)
def need_more_memory(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    at = an_open(problem, made, pick)
    mode = problem.operation(at.operation).modes[at.mode]
    if pick([True, False]):  # a session that stays
        full = with_machine(problem, at.machine, memory_bytes=1_000)
        return with_mode(full, at, resident_bytes=1_001), made
    full = with_machine(problem, at.machine, memory_bytes=1_000)
    return with_mode(full, at, peak_bytes=1_001 + mode.resident_bytes), made


@spoils(ViolationKind.RESOURCE)
def take_cores_away(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    users = [
        (made[op.id], demand.amount)
        for op in open_ops(problem)
        for demand in op.modes[made[op.id].mode].demands
        if demand.resource == CORES
    ]
    at, _ = pick(users)
    then = [n for other, n in users if other.start_us <= at.start_us < other.end_us]
    left = (replace(r, capacity=sum(then) - 1) if r.id == CORES else r for r in problem.resources)
    return replace(problem, resources=tuple(left)), made


@spoils(ViolationKind.BUDGET)
def cut_the_budget(problem: Problem, made: Schedule, pick: Pick) -> Plan:
    at = an_open(problem, made, pick)
    mode = problem.operation(at.operation).modes[at.mode]
    if not any(demand.resource == JOULES for demand in mode.demands):
        raise NothingToSpoil
    spent = sum(
        demand.amount
        for other in made
        for demand in problem.operation(other.operation).modes[other.mode].demands
        if demand.resource == JOULES
    )
    left = (replace(r, capacity=spent - 1) if r.id == JOULES else r for r in problem.resources)
    return replace(problem, resources=tuple(left)), made


def test_a_rule_that_is_broken_alone_is_reported_alone() -> None:
    spoiled: Counter[ViolationKind] = Counter()

    @settings(max_examples=120, derandomize=True)
    @given(plan=plans(), seed=st.integers(0, 2**32))
    def spoil(plan: Plan, seed: int) -> None:
        assert check(*plan) == []
        for kind, spoiler in SPOILERS.items():
            with suppress(NothingToSpoil):
                broken = spoiler(*plan, Pick(seed))
                assert {violation.kind for violation in check(*broken)} == {kind}
                spoiled[kind] += 1

    spoil()
    # Every kind there is, and each often enough for the draws to differ.
    assert {kind for kind in ViolationKind if spoiled[kind] < 3} == set()
