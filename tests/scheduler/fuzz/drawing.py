"""Random questions of all kinds, small enough to try everything. The same seed, the same question.

Numbers are small, so that ties and narrow fits are common. Now and then all times are those of the
epoch, weights are large, or ids sort in another order.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random

from scheduler.model.errors import InvalidProblem
from scheduler.model.objectives import Objective
from scheduler.model.problem import (
    Band,
    Demand,
    Edge,
    Job,
    Link,
    Machine,
    Mode,
    Operation,
    Problem,
    Progress,
    Resource,
    Window,
)
from scheduler.model.schedule import Assignment, Schedule
from tests.scheduler.fuzz.cases import Case, objectives

FEATURES = (
    "transfers",
    "windows",
    "started",
    "setups",
    "memory",
    "colocation",
    "resources",
    "budgets",
    "shared",
    "deadlines",
    "bands",
    "warm_start",
)
SHARE = 0.35
"""Probability of each feature: about four of them meet."""
EPOCH_US = 1_764_500_000_000_000
FAMILIES = ("", "f", "g")
GROUPS = ("", "", "", "a", "b")
CORES, JOULES = "cores", "joules"


@dataclass
class _Draw:
    """A seed at work, and the features of the problem that it makes."""

    random: Random
    features: frozenset[str]
    most_operations: int

    def has(self, feature: str, share: float = 1.0) -> bool:
        return feature in self.features and self.random.random() < share

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)


def drawn(seed: int, most_operations: int = 7) -> Case:
    """One question."""
    random = Random(seed)
    features = frozenset(f for f in FEATURES if random.random() < SHARE)
    draw = _Draw(random, features, most_operations)
    problem = _problem(draw)
    plan = _other_plan(draw, problem) if draw.has("warm_start") else None
    # Each may break a law, because some numbers are too large together.
    with suppress(InvalidProblem):
        problem = _weighty(random, problem) if random.random() < 0.1 else problem
        problem = later(problem, EPOCH_US) if random.random() < 0.1 else problem
    return Case(problem, _objective(random, problem), plan)


def _objective(random: Random, problem: Problem) -> Objective:
    """One that the problem has the data for; the makespan as often as two others."""
    return random.choice([*objectives(problem), Objective.MAKESPAN])


def _problem(draw: _Draw) -> Problem:
    machines = [_machine(draw, f"m{i}") for i in range(draw.number(1, 3))]
    jobs = [_job(draw, f"j{i}") for i in range(draw.number(1, 3))]
    count = draw.number(1, draw.most_operations)
    operations = [_operation(draw, f"o{i}", machines, jobs) for i in range(count)]
    problem = Problem(
        machines=tuple(machines),
        jobs=tuple(jobs),
        operations=tuple(operations),
        edges=_edges(draw, count),
        links=_links(draw, machines),
        resources=_resources(draw, operations),
        now_us=draw.number(0, 9),
    )
    problem = _started(draw, problem) if draw.has("started") else problem
    return _shuffled(draw.random, problem)


def _machine(draw: _Draw, name: str) -> Machine:
    start_us, keeps = draw.number(0, 20), draw.has("setups", 0.4)
    window = Window(start_us=start_us, end_us=start_us + draw.number(1, 9))
    return Machine(
        id=name,
        device=draw.random.choice(["", "", "d0", "d1"]),
        memory_bytes=draw.number(4, 20) if draw.has("memory", 0.6) else None,
        unavailable=(window,) if draw.has("windows", 0.5) else (),
        family=draw.random.choice(FAMILIES) if draw.has("setups") else "",
        exclusive=not draw.has("shared", 0.5),
        keeps_setups=keeps,
        kept=("g",) if keeps and draw.random.random() < 0.3 else (),
    )


def _job(draw: _Draw, name: str) -> Job:
    release_us = draw.number(0, 9)
    return Job(
        id=name,
        release_us=release_us,
        due_us=draw.number(0, 20) if draw.random.random() < 0.6 else None,
        deadline_us=release_us + draw.number(5, 35) if draw.has("deadlines", 0.7) else None,
        band=draw.random.choice(list(Band)) if draw.has("bands") else Band.NORMAL,
        weight=draw.number(0, 4),
    )


def _operation(draw: _Draw, name: str, machines: list[Machine], jobs: list[Job]) -> Operation:
    chosen = [draw.random.choice(machines) for _ in range(draw.number(0, 2))]
    return Operation(
        id=name,
        job=draw.random.choice(jobs).id,
        # Everything can run on the first machine, so that most problems have a schedule.
        modes=tuple(_mode(draw, machine) for machine in (machines[0], *chosen)),
        colocation=draw.random.choice(GROUPS) if draw.has("colocation") else "",
    )


def _mode(draw: _Draw, machine: Machine) -> Mode:
    duration_us = draw.number(1, 9)
    family = draw.random.choice(FAMILIES) if draw.has("setups") or draw.has("memory") else ""
    amounts = {
        CORES: draw.number(0, 3) if draw.has("resources") else 0,
        JOULES: draw.number(0, 4) if draw.has("budgets") else 0,
    }
    return Mode(
        machine=machine.id,
        duration_us=duration_us,
        duration_p95_us=duration_us + draw.number(0, 5) if draw.random.random() < 0.5 else None,
        peak_bytes=draw.number(0, 6) if draw.has("memory") else 0,
        energy_uj=draw.number(0, 9),
        family=family,
        setup_us=draw.number(0, 4) if family and machine.exclusive and draw.has("setups") else 0,
        resident_bytes=draw.number(0, 4) if draw.has("memory") else 0,
        demands=tuple(Demand(resource=r, amount=n) for r, n in amounts.items() if n),
    )


def _edges(draw: _Draw, count: int) -> tuple[Edge, ...]:
    share = draw.random.choice([0.0, 0.2, 0.4])
    return tuple(
        Edge(source=f"o{i}", target=f"o{j}", size_bytes=draw.number(0, 9))
        for j in range(count)
        for i in range(j)
        if draw.random.random() < share
    )


def _links(draw: _Draw, machines: list[Machine]) -> tuple[Link, ...]:
    devices = list(dict.fromkeys(machine.device_id for machine in machines))
    return tuple(
        Link(
            source=here,
            target=there,
            latency_us=draw.number(0, 3),
            bandwidth_bytes_per_s=draw.random.choice([0, 1_000_000, 3_000_000]),
        )
        for here in devices
        for there in devices
        if here != there and draw.has("transfers", 0.9)
    )


def _resources(draw: _Draw, operations: list[Operation]) -> tuple[Resource, ...]:
    found = []
    if draw.has("resources"):
        found.append(Resource(id=CORES, capacity=draw.number(2, 5)))
    if draw.has("budgets"):
        # Enough for all first modes, mostly.
        amounts = (d.amount for o in operations for d in o.modes[0].demands if d.resource == JOULES)
        capacity = max(sum(amounts) + draw.number(-2, 4), 0)
        found.append(Resource(id=JOULES, capacity=capacity, renewable=False))
    return tuple(found)


def _started(draw: _Draw, problem: Problem) -> Problem:
    """The problem some time later, reported by boxes whose clocks differ."""
    now_us = draw.number(1, 15)
    problem = replace(problem, now_us=now_us)
    for operation in problem.operations:
        if draw.random.random() < 0.5:
            problem = _with_progress(draw, problem, operation.id)
    return problem


def _with_progress(draw: _Draw, problem: Problem, name: str) -> Problem:
    """Let an operation have begun, if no law is against that."""
    start_us = draw.number(0, problem.now_us)
    mode = draw.number(0, len(problem.operation(name).modes) - 1)
    end_us = draw.number(start_us, problem.now_us) if draw.random.random() < 0.6 else None
    progress = Progress(mode=mode, start_us=start_us, end_us=end_us)
    changed = tuple(
        replace(o, progress=progress) if o.id == name else o for o in problem.operations
    )
    try:
        return replace(problem, operations=changed)
    except InvalidProblem:
        return problem


def _shuffled(random: Random, problem: Problem) -> Problem:
    """Other ids and another order, at times: neither may matter."""
    if random.random() < 0.7:
        return problem
    names = [o.id for o in problem.operations]
    others = [f"{random.choice('zaäß0')}{n}" for n in random.sample(range(100), len(names))]
    new = dict(zip(names, others, strict=True))
    operations = [replace(o, id=new[o.id]) for o in problem.operations]
    return replace(
        problem,
        operations=tuple(random.sample(operations, len(operations))),
        machines=tuple(random.sample(problem.machines, len(problem.machines))),
        edges=tuple(
            replace(e, source=new[e.source], target=new[e.target])
            for e in random.sample(problem.edges, len(problem.edges))
        ),
    )


def _other_plan(draw: _Draw, problem: Problem) -> Schedule:
    """A plan for a similar problem: parts of it are gone, others may be impossible."""
    at_us, placed = problem.now_us, []
    for operation in problem.topological_order():
        mode = draw.number(0, len(operation.modes) - 1)
        found = operation.modes[mode]
        if draw.random.random() < 0.9:
            placed.append(
                Assignment(
                    operation=operation.id,
                    mode=mode,
                    machine=found.machine,
                    start_us=at_us,
                    end_us=at_us + found.duration_us,
                )
            )
        at_us += draw.number(0, found.duration_us)
    return Schedule(assignments=tuple(placed))


def _weighty(random: Random, problem: Problem) -> Problem:
    return replace(
        problem,
        jobs=tuple(
            replace(job, weight=job.weight * random.randint(1, 9999)) for job in problem.jobs
        ),
    )


def later(problem: Problem, by_us: int) -> Problem:
    """The same problem, so much later."""
    return replace(
        problem,
        now_us=problem.now_us + by_us,
        machines=tuple(
            replace(
                machine,
                unavailable=tuple(
                    Window(start_us=w.start_us + by_us, end_us=w.end_us + by_us)
                    for w in machine.unavailable
                ),
            )
            for machine in problem.machines
        ),
        jobs=tuple(
            replace(
                job,
                release_us=job.release_us + by_us,
                due_us=_plus(job.due_us, by_us),
                deadline_us=_plus(job.deadline_us, by_us),
            )
            for job in problem.jobs
        ),
        operations=tuple(
            replace(o, progress=o.progress and _moved(o.progress, by_us))
            for o in problem.operations
        ),
    )


def _plus(date_us: int | None, by_us: int) -> int | None:
    return None if date_us is None else date_us + by_us


def _moved(progress: Progress, by_us: int) -> Progress:
    start_us = progress.start_us + by_us
    return replace(progress, start_us=start_us, end_us=_plus(progress.end_us, by_us))
