"""One run, in a process of its own: ``python -m benchmarks.solvers.one``, JSON in and out.

Reading the file, importing, and loading compiled code come first and count for nobody; then the
clock starts.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.solvers.competitors import OTHERS, Competitor, load
from benchmarks.solvers.outcome import Budget, Outcome, Unsupported
from scheduler import portfolio
from scheduler.instances import Instance, parse
from scheduler.model.checker import check

WARM_UP = b"2 2\n2 2 0 3 1 5 2 0 4 1 4\n2 2 0 2 1 3 2 0 6 1 4\n"
"""Two jobs of two operations, either machine: small, but with everything to decide."""


def run(case: dict[str, Any], competitor: str, budget: Budget) -> dict[str, Any]:
    """Run a competitor on an instance, and give its answer in the units of the file."""
    file = Path(case["file"])
    instance = parse(file.read_bytes(), file.name, processors=case["processors"])
    solve = load(competitor)
    _warm_up(competitor, solve, budget)
    began = time.perf_counter()
    try:
        outcome = solve(instance.problem, budget)
    except Unsupported as error:
        return {"status": "unsupported", "why": str(error)}
    return _in_plain_data(instance, outcome, time.perf_counter() - began)


def _warm_up(name: str, solve: Competitor, budget: Budget) -> None:
    """Load everything that is loaded at first use: kernels for us, OR-Tools for others."""
    if name not in OTHERS:
        portfolio.warm_up(names=portfolio.taking_part(name))
    tiny = parse(WARM_UP, "tiny.fjs").problem
    solve(tiny, Budget(time_s=0.2, workers=budget.workers, seed=budget.seed))


def _in_plain_data(instance: Instance, outcome: Outcome, elapsed_s: float) -> dict[str, Any]:
    value, violations = None, []
    if outcome.schedule is not None:
        # No competitor is believed: the value is that of its schedule, if that keeps the rules.
        violations = [violation.message for violation in check(instance.problem, outcome.schedule)]
        value = instance.value(outcome.schedule.makespan_us)
    return {
        "status": "refused"
        if violations
        else "proven"
        if outcome.proven
        else "found"
        if value is not None
        else "none",
        "value": None if violations else value,
        "bound": None if outcome.bound is None else instance.value(outcome.bound),
        "elapsed_s": round(elapsed_s, 4),
        "found_by": outcome.found_by,
        "trace": [[round(at_s, 4), instance.value(us)] for at_s, us in outcome.trace],
        "violations": violations[:3],
    }


def main() -> None:
    """Read the question from standard input; write the answer."""
    asked = json.load(sys.stdin)
    answer = run(asked["case"], asked["competitor"], Budget(**asked["budget"]))
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
