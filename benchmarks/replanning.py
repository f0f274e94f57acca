"""The time to plan anew after an arrival.

    python -m benchmarks.replanning [--arrivals 500] [--cold]

Pending operations of pipelines on heterogeneous machines, one more job each time. *placed*: arrays,
heuristic, schedule, checker. *carried over*: the plan in force with the new job inserted, and
checked. *improved*: a search from there that answers within 100 ms.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random

from benchmarks.conditions import conditions
from scheduler.model.checker import check
from scheduler.model.problem import Edge, Job, Link, Machine, Mode, Operation, Problem
from scheduler.model.schedule import Limits, Schedule
from scheduler.portfolio import placer, solve, warm_up

STAGES = 4
LOAD_US = 100_000
BOXES = 2


def site(jobs: int, machines: int, seed: int, *, cold: bool = False) -> Problem:
    """Pipelines of four stages, each stage with a mode on every machine of its own speed.

    If it is cold, each machine makes the session of a stage before it runs that stage first.
    """
    random = Random(seed)
    lanes = tuple(
        Machine(id=f"m{k}", device=f"box{k % BOXES}", keeps_setups=True) for k in range(machines)
    )
    boxes = [f"box{k}" for k in range(BOXES)]
    return Problem(
        machines=lanes,
        jobs=tuple(Job(id=f"j{j}") for j in range(jobs)),
        operations=tuple(
            Operation(
                id=f"j{j}/{stage}",
                job=f"j{j}",
                modes=tuple(
                    Mode(
                        machine=lane.id,
                        duration_us=random.randint(2_000, 30_000),
                        family=f"stage{stage}" if cold else "",
                        setup_us=LOAD_US if cold else 0,
                    )
                    for lane in lanes
                ),
            )
            for j in range(jobs)
            for stage in range(STAGES)
        ),
        edges=tuple(
            Edge(source=f"j{j}/{stage}", target=f"j{j}/{stage + 1}", size_bytes=500_000)
            for j in range(jobs)
            for stage in range(STAGES - 1)
        ),
        links=tuple(
            Link(source=a, target=b, latency_us=200, bandwidth_bytes_per_s=1_000_000_000)
            for a in boxes
            for b in boxes
            if a != b
        ),
    )


def without_last(problem: Problem) -> Problem:
    """The problem before its last job arrived."""
    gone = problem.jobs[-1].id
    operations = tuple(o for o in problem.operations if o.job != gone)
    kept = {operation.id for operation in operations}
    edges = tuple(edge for edge in problem.edges if edge.target in kept)
    return replace(problem, jobs=problem.jobs[:-1], operations=operations, edges=edges)


def placed(problem: Problem, plan: Schedule) -> int:
    """Plan everything anew with a heuristic."""
    result = placer("heft")(problem, Limits(), 0)
    assert result.schedule is not None
    assert not check(problem, result.schedule)
    return result.schedule.makespan_us


def carried(problem: Problem, plan: Schedule) -> int:
    """Put the new job into the plan."""
    result = solve(problem, "heft", Limits(time_s=0.005), warm_start=plan)
    return result.value or 0


def improved(problem: Problem, plan: Schedule) -> int:
    """Search for a tenth of a second, less the time that judging takes."""
    result = solve(problem, limits=Limits(time_s=0.09, workers=2), warm_start=plan)
    return result.value or 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--arrivals", type=int, default=500)
    parser.add_argument("--operations", type=int, default=200)
    parser.add_argument("--machines", type=int, default=8)
    parser.add_argument("--cold", action="store_true", help="no machine has any session yet")
    options = parser.parse_args()
    warm_up()
    gc.collect()
    gc.freeze()
    jobs = options.operations // STAGES
    print(f"{conditions([0])} and on; {options.operations} operations, {options.machines} machines")
    ways: list[tuple[str, Callable[[Problem, Schedule], int], int]] = [
        ("placed", placed, options.arrivals),
        ("carried over", carried, options.arrivals),
        ("improved", improved, max(1, options.arrivals // 20)),
    ]
    for name, way, count in ways:
        problems = (site(jobs, options.machines, i, cold=options.cold) for i in range(count))
        measure(name, way, problems)


def measure(
    name: str, way: Callable[[Problem, Schedule], int], problems: Iterable[Problem]
) -> None:
    wall_ms, cpu_ms, values = [], [], []
    for problem in problems:
        plan = placer("heft")(without_last(problem), Limits(), 0).schedule
        assert plan is not None
        began, began_cpu = time.perf_counter(), time.process_time()
        values.append(way(problem, plan) / 1e3)
        wall_ms.append((time.perf_counter() - began) * 1e3)
        cpu_ms.append((time.process_time() - began_cpu) * 1e3)
    print(
        f"{name:14} wall p50 {_share(wall_ms, 0.5):7.2f} ms, p99 {_share(wall_ms, 0.99):7.2f} ms; "
        f"CPU p50 {_share(cpu_ms, 0.5):7.2f} ms, p99 {_share(cpu_ms, 0.99):7.2f} ms; "
        f"mean makespan {statistics.mean(values):.2f} ms"
    )


def _share(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    main()
