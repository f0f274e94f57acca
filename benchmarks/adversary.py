"""Problems on which each list heuristic, and ``auto``, does worst against the best of the others.

    python -m benchmarks.adversary --steps 1000 --seeds 3 [--save FOLDER]
    python -m benchmarks.adversary --large 200 [--save FOLDER]

``auto`` gets a tenth of a second on one worker, as counted work, so that the answer is the same
everywhere. It contains every heuristic that it has the time for: its ratio should be 1 at most.
*Large*: random graphs of every shape, up to 500 tasks on up to 32 machines.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.conditions import conditions
from scheduler.adversary import SHAPES, Discovery, search, shaped
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits
from scheduler.portfolio import placer, placers, solve

AUTO_LIMITS = Limits(time_s=60.0, deterministic_s=0.05, workers=1)
"""Half of 100 ms, as for every time limit on one worker."""
TASKS = (5, 10, 20, 40, 80, 160, 320, 500)
MACHINES = (2, 3, 4, 8, 16, 32)


def value(name: str, problem: Problem) -> int:
    """Makespan of one solver."""
    if name == "auto":
        result = solve(problem, limits=AUTO_LIMITS)
    else:
        result = placer(name)(problem, Limits(), 0)
    assert result.value is not None
    return result.value


def best(names: Sequence[str], problem: Problem) -> int:
    """Shortest makespan of several."""
    return min(value(name, problem) for name in names)


def worst(name: str, *, steps: int, seeds: int) -> Discovery:
    """Instance on which a solver does worst against all heuristics but itself."""
    others = [other for other in placers() if other != name]
    found = (
        search(partial(value, name), partial(best, others), steps=steps, seed=seed)
        for seed in range(seeds)
    )
    return max(found, key=lambda discovery: discovery.ratio)


def survey(count: int, save: Path | None) -> None:
    """Print the worst ratio of ``auto`` to all heuristics per shape and size; keep those over 1."""
    worsts: dict[tuple[str, int], float] = {}
    for seed in range(count):
        random = Random(seed)
        shape, tasks = random.choice(sorted(SHAPES)), random.choice(TASKS)
        instance = shaped(shape, tasks, random.choice(MACHINES), random)
        problem = instance.problem()
        ratio = value("auto", problem) / best(placers(), problem)
        worsts[shape, tasks] = max(ratio, worsts.get((shape, tasks), 0.0))
        if ratio > 1 and save is not None:
            (save / f"{shape}_{tasks}_{seed}.json").write_text(instance.written())
    for (shape, tasks), ratio in sorted(worsts.items()):
        print(f"{shape:8} {tasks:4} {ratio:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--save", type=Path, help="folder for what is found")
    parser.add_argument("--large", type=int, metavar="COUNT", help="large random graphs instead")
    options = parser.parse_args()
    print(conditions([0]), "and on")
    if options.large is not None:
        survey(options.large, options.save)
        return
    for name in (*placers(), "auto"):
        found = worst(name, steps=options.steps, seeds=options.seeds)
        print(f"{name:24} {found.ratio:.3f}")
        if options.save is not None and name != "auto":
            (options.save / f"against_{name}.json").write_text(found.instance.written())


if __name__ == "__main__":
    main()
