"""Random flexible problems, too large to solve in passing, and a plan to begin with."""

from __future__ import annotations

import random
from dataclasses import replace

from scheduler.model.problem import Job, Machine, Mode, Operation, Problem, Progress
from scheduler.solvers.arrays import Arrays, Solution
from tests import builders


def flexible(
    seed: int,
    *,
    jobs: int = 6,
    length: int = 6,
    machines: int = 4,
    lagged: bool = False,
    setups: bool = False,
    windows: bool = False,
    started: bool = False,
) -> Problem:
    """Jobs whose operations form random graphs, each operation with one to three modes."""
    draw = random.Random(seed)
    lanes = [_machine(draw, m, windows=windows) for m in range(machines)]
    operations = [
        _operation(draw, j, i, machines, setups=setups) for j in range(jobs) for i in range(length)
    ]
    edges = [
        (f"j{j}o{draw.randrange(max(0, i - 2), i)}", f"j{j}o{i}", draw.randint(0, 9))
        for j in range(jobs)
        for i in range(1, length)
        for _ in range(draw.randint(1, 2))
    ]
    if started:
        operations[0] = _running(operations[0])
    return builders.problem(
        operations,
        machines=lanes,
        jobs=[Job(id=f"j{j}", release_us=draw.randint(0, 9)) for j in range(jobs)],
        edges=list({(a, b): (a, b, size) for a, b, size in edges}.values()),
        links=builders.all_links(lanes, latency_us=2) if lagged else (),
        now_us=3 if started else 0,
    )


def due(problem: Problem, *, factor: float = 1.5, deadlines: bool = False) -> Problem:
    """Give jobs weights 1 to 3 and due dates, and deadlines at twice the due dates if asked for."""
    jobs = []
    for place, job in enumerate(problem.jobs):
        own = [operation for operation in problem.operations if operation.job == job.id]
        us = int(factor * sum(min(mode.duration_us for mode in one.modes) for one in own))
        due_us = job.release_us + us
        deadline_us = due_us + us if deadlines else None
        jobs.append(replace(job, due_us=due_us, deadline_us=deadline_us, weight=1 + place % 3))
    return replace(problem, jobs=tuple(jobs))


def _machine(draw: random.Random, m: int, *, windows: bool) -> Machine:
    begin_us = draw.randint(5, 60)
    return builders.machine(
        f"m{m}", unavailable=[(begin_us, begin_us + draw.randint(1, 20))] if windows else ()
    )


def _operation(draw: random.Random, j: int, i: int, machines: int, *, setups: bool) -> Operation:
    modes = []
    for m in draw.sample(range(machines), draw.randint(1, 3)):
        family = draw.choice("ab") if setups else ""
        setup_us = draw.randint(0, 6) if family else 0
        us = draw.randint(1, 20)
        modes.append(Mode(machine=f"m{m}", duration_us=us, family=family, setup_us=setup_us))
    return builders.operation(f"j{j}o{i}", job=f"j{j}", modes=modes)


def _running(operation: Operation) -> Operation:
    return builders.operation(
        operation.id,
        job=operation.job,
        modes=operation.modes,
        progress=Progress(mode=0, start_us=1),
    )


def one_after_another(form: Arrays) -> Solution:
    """Everything in topological order, each operation in its first mode, nothing side by side."""
    mode = form.mode_first[:-1].copy()
    start_us = form.frozen_start_us.copy()
    at_us = max(
        int(form.now_us),
        int(form.frozen_end_us.max()),
        int(form.earliest_us.max()),
        int(form.window_end_us.max()) if len(form.window_end_us) else 0,
    )
    gap_us = 100
    for i in form.order:
        if form.state[i] == 0:
            at_us += gap_us
            start_us[i] = at_us
            at_us += int(form.mode_us[mode[i]])
    return Solution(mode, start_us)
