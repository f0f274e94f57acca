"""Running a CP-SAT model of somebody, with the times of its solutions."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from benchmarks.solvers.outcome import Budget


class _Times(cp_model.CpSolverSolutionCallback):
    def __init__(self, began: float) -> None:
        super().__init__()
        self.began = began
        self.trace: list[tuple[float, int]] = []

    def on_solution_callback(self) -> None:
        self.trace.append((time.perf_counter() - self.began, round(self.objective_value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run of the engine; `solver` has the values if `solved`."""

    solver: cp_model.CpSolver
    solved: bool
    proven: bool
    bound: int | None
    trace: list[tuple[float, int]] = field(default_factory=list)


def run(model: cp_model.CpModel, budget: Budget, began: float) -> Run:
    """Minimise, until `budget.time_s` after `began`: building the model counts, as for anybody."""
    solver = cp_model.CpSolver()
    spent_s = time.perf_counter() - began
    solver.parameters.max_time_in_seconds = max(budget.time_s - spent_s, 0.0)
    solver.parameters.num_workers = budget.workers
    solver.parameters.random_seed = budget.seed
    times = _Times(began)
    solver.solve(model, times)
    status = solver.response_proto.status
    solved = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    bound = solver.best_objective_bound
    return Run(
        solver=solver,
        solved=solved,
        proven=status == cp_model.OPTIMAL,
        bound=math.ceil(bound - 1e-6) if status != cp_model.INFEASIBLE else None,
        trace=times.trace,
    )
