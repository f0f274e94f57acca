"""Problems on which each list heuristic, and ``auto``, does worst against the best of the others.

    python -m benchmarks.adversary --steps 1000 --seeds 3 [--save tests/data/adversarial]

``auto`` gets what a tenth of a second comes to on one worker, in counted work, so that the answer
is the same everywhere. It contains every heuristic: its ratio can be no more than 1.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from scheduler.adversary import Discovery, search
from scheduler.model.codec import to_json
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits
from scheduler.portfolio import placer, placers, solve

AUTO_LIMITS = Limits(time_s=60.0, deterministic_s=0.05, workers=1)
"""Half of 100 ms, as for every time limit on one worker."""


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--save", type=Path, help="folder for what is found")
    options = parser.parse_args()
    for name in (*placers(), "auto"):
        found = worst(name, steps=options.steps, seeds=options.seeds)
        print(f"{name:24} {found.ratio:.3f}")
        if options.save is not None and name != "auto":
            path = options.save / f"against_{name}.json"
            path.write_text(json.dumps(to_json(found.instance.problem()), indent=1) + "\n")


if __name__ == "__main__":
    main()
