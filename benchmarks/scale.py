"""The growth of list scheduling, from a thousand operations to a million.

    python -m benchmarks.scale [--largest N] [--seeds 0 1 2]

Each row is a process of its own, so that its peak memory is its own. Seconds are of one core (CPU
time), without compilation and without drawing the random graph. The problem is built, planned and
verified as arrays from end to end.
`fleet` gives each operation a mode per kind of machine, `machines` one per machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.conditions import conditions
from scheduler.solvers.arrays import Arrays, Long, Solution
from scheduler.solvers.building import build, modes_from_table
from scheduler.solvers.fleets import Fleet, heft_fleet
from scheduler.solvers.heuristics.ranked import heft
from scheduler.solvers.search import Search
from scheduler.solvers.translating import ends
from scheduler.solvers.verifying import verify, verify_on

KINDS = 20
GRAPHS = ("jobs", "narrow", "loose")
"""Chains of 100 operations with shortcuts, side by side; one graph about 200 wide; or that graph
with a quarter of its operations waiting for nothing, which leaves gaps on every machine."""
FORMS = {"fleet": (1000, 1_000_000), "machines": (100, 100_000)}
"""Machines, and the most operations."""
LATENCY_US = 50
JOB = 100


class Graph(NamedTuple):
    """A problem as arrays: durations by kind of machine, edges, and the time of each edge."""

    table_us: Long
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    edge_us: Long


def graph(kind: str, operations: int, seed: int) -> Graph:
    random = np.random.default_rng(seed)
    work = random.integers(100, 10_000, operations)
    speed = random.uniform(0.5, 4, KINDS) / random.uniform(0.7, 1.3, (operations, KINDS))
    table_us = np.maximum(work[:, None] / speed, 1).astype(np.int64)
    target = np.repeat(np.arange(operations), random.integers(kind != "loose", 4, operations))
    place = target % JOB if kind == "jobs" else target
    source = target - random.integers(1, 10 if kind == "jobs" else 200, len(target))
    kept = target - source <= place
    pairs = np.unique(source[kept] * operations + target[kept])
    edge_us = random.integers(100, 10_000, len(pairs))
    return Graph(table_us, pairs // operations, pairs % operations, edge_us)


def form_of(g: Graph, columns: int, machine_kind: NDArray[Any] | None, latency_us: Long) -> Arrays:
    return build(
        modes_from_table(g.table_us, machine_kind),
        machines=columns,
        sources=g.source,
        targets=g.target,
        edge_us=g.edge_us,
        link_latency_us=latency_us,
    )


def measured_fleet(g: Graph, machines: int) -> dict[str, Any]:
    began_s = time.process_time()
    form = form_of(g, KINDS, None, np.full((KINDS, KINDS), LATENCY_US))
    fleet = Fleet(form, (np.arange(KINDS + 1) * (machines // KINDS)).astype(np.int32))
    built_s = time.process_time()
    plan = heft_fleet(fleet)
    planned_s = time.process_time()
    assert plan is not None
    solution = Solution(plan.mode, plan.start_us)
    broken = verify_on(form, solution, plan.machine, fleet.first)
    return row(form, solution, (began_s, built_s, planned_s), broken)


def measured_machines(g: Graph, machines: int) -> dict[str, Any]:
    began_s = time.process_time()
    latency_us = np.full((machines, machines), LATENCY_US)
    np.fill_diagonal(latency_us, 0)
    form = form_of(g, machines, np.repeat(np.arange(KINDS), machines // KINDS), latency_us)
    search = Search(form, time.monotonic)
    built_s = time.process_time()
    heft(search, 0)
    planned_s = time.process_time()
    assert search.best is not None
    solution = search.best.solution
    return row(form, solution, (began_s, built_s, planned_s), verify(form, solution))


def row(
    form: Arrays, solution: Solution, times_s: tuple[float, float, float], broken: object
) -> dict[str, Any]:
    began_s, built_s, planned_s = times_s
    return {
        "build_s": built_s - began_s,
        "plan_s": planned_s - built_s,
        "verify_s": time.process_time() - planned_s,
        "makespan_s": int(ends(form, solution).max()) / 1e6,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "broken": str(broken) if broken is not None else "",
    }


def one(form: str, kind: str, operations: int, seed: int) -> dict[str, Any]:
    measure = measured_fleet if form == "fleet" else measured_machines
    machines = FORMS[form][0]
    # Once on a small graph first, so that the kernels are compiled.
    measure(graph(kind, 200, 0), machines)
    return measure(graph(kind, operations, seed), machines)


def in_own_process(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scale", "--one", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--one", nargs=4, metavar=("FORM", "GRAPH", "OPERATIONS", "SEED"))
    chosen = parser.parse_args()
    if chosen.one:
        form, kind, operations, seed = chosen.one
        print(json.dumps(one(form, kind, int(operations), int(seed))))
        return
    print(conditions(chosen.seeds), "\n")
    print("| form | graph | operations | machines | seed | build s | plan s | verify s | peak GB |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for form, (machines, most) in FORMS.items():
        sizes = [10**power for power in range(3, 7) if 10**power <= min(most, chosen.largest)]
        for kind in GRAPHS:
            for operations in sizes:
                for seed in chosen.seeds:
                    found = in_own_process(form, kind, str(operations), str(seed))
                    if found["broken"]:
                        raise SystemExit(f"plan breaks the rule {found['broken']}")
                    cells = [form, kind, str(operations), str(machines), str(seed)]
                    cells += [f"{found[f'{name}_s']:.2f}" for name in ("build", "plan", "verify")]
                    print("|", " | ".join([*cells, f"{found['peak_gb']:.2f}"]), "|", flush=True)


if __name__ == "__main__":
    main()
