"""CP-SAT: proves optima and bounds. The one door to OR-Tools, with `cp_model` behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from ortools.sat.python import cp_model

from scheduler.model.bounds import lower_bound
from scheduler.model.errors import UnmappedStatus
from scheduler.model.indexed import Indexed, indexed
from scheduler.model.objectives import horizon_us, makespan_us, weighted_tardiness
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result, Schedule, Status
from scheduler.solvers.exact.cp_model import Model

STATUSES = {
    cp_model.OPTIMAL: Status.OPTIMAL,
    cp_model.FEASIBLE: Status.FEASIBLE,
    cp_model.INFEASIBLE: Status.INFEASIBLE,
    cp_model.UNKNOWN: Status.LIMIT,
}
"""What the engine's answers mean. MODEL_INVALID is not here: it would be a fault of ours."""

MAX_HORIZON_US = 2**56
"""The engine sums in 64 bits; beyond this (2000 years) a few terms could overflow."""


class Objective(StrEnum):
    """What the solver can minimise."""

    MAKESPAN = "makespan"
    WEIGHTED_TARDINESS = "weighted_tardiness"


@dataclass(frozen=True, slots=True, kw_only=True)
class CpSat:
    """Constraint programming with clause learning, on the whole model.

    Bands are not looked at: who wants them strict solves band by band. One worker with a limit in
    deterministic time gives the same answer each time.

    Parameters
    ----------
    hint
        A schedule to start from, which keeps every rule of the model except perhaps deadlines.

    References
    ----------
    Perron, Didier and Gay (2023), The CP-SAT-LP solver, doi:10.4230/LIPIcs.CP.2023.3. The model
    is the flexible job shop with optional intervals, with transfers per pair of modes.
    """

    objective: Objective = Objective.MAKESPAN
    hint: Schedule | None = None

    def hinted(self, schedule: Schedule) -> CpSat:
        """Give the same solver, starting from a schedule."""
        return replace(self, hint=schedule)

    def __call__(self, problem: Problem, limits: Limits, seed: int) -> Result:
        """Solve within the limits. The bound is kept whatever happens."""
        form = indexed(problem)
        if horizon_us(problem) > MAX_HORIZON_US:
            return self._result(Status.LIMIT, bound=self._cheap_bound(form))
        model = Model(form, latest_us=self._latest_us(problem))
        if self.objective is Objective.MAKESPAN:
            model.minimise_makespan()
        else:
            model.minimise_weighted_tardiness()
        if self.hint is not None:
            model.hint(self.hint)
        engine = _engine(limits, seed)
        answer = engine.solve(model.cp)
        return self._read(model, engine, answer)

    def _latest_us(self, problem: Problem) -> int | None:
        """Makespan of the hint, where nothing feasible that is worse can be of use."""
        bounded = all(job.deadline_us is None for job in problem.jobs)
        if self.hint is None or not bounded or self.objective is not Objective.MAKESPAN:
            return None
        return self.hint.makespan_us

    def _cheap_bound(self, form: Indexed) -> int:
        return lower_bound(form) if self.objective is Objective.MAKESPAN else 0

    def _read(
        self, model: Model, engine: cp_model.CpSolver, answer: cp_model.CpSolverStatus
    ) -> Result:
        status = status_of(answer)
        bound = self._cheap_bound(model.form)
        found = None
        if status in {Status.OPTIMAL, Status.FEASIBLE}:
            found = model.schedule(engine)
        if status is not Status.INFEASIBLE and math.isfinite(engine.best_objective_bound):
            bound = max(bound, round(engine.best_objective_bound))
        statistics = {
            "wall_s": engine.wall_time,
            "deterministic_s": engine.response_proto.deterministic_time,
            "branches": float(engine.num_branches),
            "conflicts": float(engine.num_conflicts),
        }
        value = None if found is None else self._value(model.form.problem, found)
        return self._result(status, bound, found, value, statistics)

    def _value(self, problem: Problem, schedule: Schedule) -> int:
        if self.objective is Objective.MAKESPAN:
            return makespan_us(problem, schedule)
        return weighted_tardiness(problem, schedule)

    def _result(
        self,
        status: Status,
        bound: int,
        schedule: Schedule | None = None,
        value: int | None = None,
        statistics: dict[str, float] | None = None,
    ) -> Result:
        return Result(
            status=status,
            solver="cp_sat",
            objective=self.objective.value,
            schedule=schedule,
            value=value,
            bound=bound,
            statistics=statistics or {},
        )


def status_of(answer: cp_model.CpSolverStatus) -> Status:
    """Say in our words how the engine's search ended.

    Raises
    ------
    UnmappedStatus
        If the answer is not in the table.
    """
    status = STATUSES.get(answer)
    if status is None:
        known = ", ".join(known.name for known in STATUSES)
        raise UnmappedStatus(f"the answer of CP-SAT must be one of {known}; got {answer.name}")
    return status


def _engine(limits: Limits, seed: int) -> cp_model.CpSolver:
    engine = cp_model.CpSolver()
    engine.parameters.max_time_in_seconds = limits.time_s
    if limits.deterministic_s is not None:
        engine.parameters.max_deterministic_time = limits.deterministic_s
    engine.parameters.num_workers = limits.workers
    # The engine takes 31 bits.
    engine.parameters.random_seed = seed % 2**31
    return engine


cp_sat = CpSat()
