"""Sums over jobs beside plain CP-SAT; writes a table of `docs/benchmarks.md`.

    python -m benchmarks.criteria [--data FOLDER] [--objective O] [--into docs/benchmarks.md]

Due dates (deadlines where misses are counted) are a factor times the least work of a job, weights 4
for the first fifth of the jobs, 1 for the last, 2 for the others: Singer and Pinedo (1998), IIE
Transactions 30, 109-118.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.conditions import conditions
from benchmarks.page import write_section
from benchmarks.solvers import plain_cp_sat
from benchmarks.solvers.outcome import Budget
from scheduler import portfolio
from scheduler.instances import parse
from scheduler.model.checker import check
from scheduler.model.objectives import Objective, evaluate
from scheduler.model.problem import Job, Problem
from scheduler.model.schedule import Limits, Schedule

BUILT_IN = Path(__file__).parents[1] / "tests" / "data" / "instances"
TIMES_S = (0.1, 1.0, 3.0, 10.0)
SOLVERS = ("auto", "tabu_search", "plain_cp_sat")
FILES = (
    "jsp/FisherThompson1963/ft10.txt",
    "fjsp/brandimarte/mk09.txt",
    "fjsp/dauzere/07a.txt",
    "fjsp/behnke/sm04_5.txt",
    "fjsp/hurink/edata/la06.txt",
    "fjsp/mk01.txt",
    "fjsp/orb7.txt",
)

Trace = list[tuple[float, int]]


def dated(problem: Problem, factor: float, objective: Objective) -> Problem:
    """Give each job a weight, and a date of `factor` times its least work."""
    work_us: dict[str, int] = {}
    for operation in problem.operations:
        least_us = min(mode.duration_us for mode in operation.modes)
        work_us[operation.job] = work_us.get(operation.job, 0) + least_us
    jobs = [
        _dated(job, int(factor * work_us[job.id] + 1e-9), place / len(problem.jobs), objective)
        for place, job in enumerate(problem.jobs)
    ]
    return replace(problem, jobs=tuple(jobs))


def _dated(job: Job, date_us: int, share: float, objective: Objective) -> Job:
    if objective is Objective.DEADLINE_MISSES:
        return replace(job, deadline_us=date_us)
    return replace(job, due_us=date_us, weight=4 if share < 0.2 else 2 if share < 0.8 else 1)


def run(problem: Problem, solver: str, objective: Objective, budget: Budget) -> Trace:
    """Values of a solver with the seconds at which it had each; its last schedule is judged."""
    if solver == "plain_cp_sat":
        outcome = plain_cp_sat.solve(problem, budget, objective)
        return _judged(problem, outcome.schedule, objective, outcome.trace)
    began, trace = time.perf_counter(), list[tuple[float, int]]()

    def note(progress: portfolio.SearchProgress) -> None:
        if progress.value is not None:
            trace.append((time.perf_counter() - began, progress.value))

    result = portfolio.solve(
        problem,
        solver=solver,
        objective=objective,
        limits=Limits(time_s=budget.time_s, workers=budget.workers),
        seed=budget.seed,
        listener=note,
    )
    return _judged(problem, result.schedule, objective, trace)


def _judged(
    problem: Problem, schedule: Schedule | None, objective: Objective, trace: Trace
) -> Trace:
    if schedule is None:
        return []
    lawful = objective is Objective.DEADLINE_MISSES or not check(problem, schedule)
    value = evaluate(problem, schedule, objective)
    if not lawful or value > min(value for _, value in trace):
        raise AssertionError(f"a schedule is not what was said of it: {value}")
    return [*trace, (trace[-1][0], value)]


def lines(chosen: argparse.Namespace, files: Sequence[Path]) -> Iterator[str]:
    objective = Objective(chosen.objective)
    words = objective.value.replace("_", " ")
    yield f"## {words.capitalize()}, dates at {chosen.factor:g} times the least work\n"
    yield f"`make bench-criteria`: {chosen.workers} workers, value after {_times(chosen)} s."
    yield f"{conditions([chosen.seed])}.\n"
    yield f"| instance | {' | '.join(f'`{name}`' for name in chosen.solvers)} |"
    yield f"|---|{'--:|' * len(chosen.solvers)}"
    budget = Budget(time_s=chosen.time_limit_s, workers=chosen.workers, seed=chosen.seed)
    for file in files:
        problem = dated(parse(file.read_bytes(), file.name).problem, chosen.factor, objective)
        traces = [run(problem, solver, objective, budget) for solver in chosen.solvers]
        cells = [" / ".join(_at(trace, s) for s in _within(chosen)) for trace in traces]
        yield f"| {file.parent.name}/{file.stem} | {' | '.join(cells)} |"


def _within(chosen: argparse.Namespace) -> list[float]:
    return [at_s for at_s in TIMES_S if at_s <= chosen.time_limit_s]


def _times(chosen: argparse.Namespace) -> str:
    return " / ".join(f"{at_s:g}" for at_s in _within(chosen))


def _at(trace: Trace, at_s: float) -> str:
    return next((str(value) for time_s, value in reversed(trace) if time_s <= at_s), "-")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    named = os.environ.get("FJORD_BENCHMARK_DATA")
    parser.add_argument("--data", type=Path, default=Path(named) if named else BUILT_IN)
    parser.add_argument("--file", action="append", help="in that folder; some by default")
    parser.add_argument("--objective", choices=list(Objective), default="weighted_tardiness")
    parser.add_argument("--factor", type=float, default=1.3)
    parser.add_argument("--solvers", nargs="+", default=SOLVERS)
    parser.add_argument("--time-limit-s", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--into", type=Path)
    chosen = parser.parse_args()
    found = [chosen.data / name for name in chosen.file or FILES]
    portfolio.warm_up(names=portfolio.taking_part("auto"))
    text = ""
    for line in lines(chosen, [file for file in found if file.is_file()]):
        print(line, flush=True)
        text += f"{line}\n"
    if chosen.into is not None:
        write_section(chosen.into, "criteria", text)


if __name__ == "__main__":
    main()
