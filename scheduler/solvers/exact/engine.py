"""One run of CP-SAT under a search: limits in, plans and bounds out, stopped in milliseconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

from ortools.sat.cp_model_pb2 import CpSolverStatus
from ortools.sat.python import cp_model

from scheduler.model.errors import UnmappedStatus
from scheduler.model.schedule import Status
from scheduler.solvers.exact.cp_model import Model
from scheduler.solvers.search import WORK_PER_S, Search

STATUSES: dict[int, Status] = {
    cp_model.OPTIMAL: Status.OPTIMAL,
    cp_model.FEASIBLE: Status.FEASIBLE,
    cp_model.INFEASIBLE: Status.INFEASIBLE,
    cp_model.UNKNOWN: Status.LIMIT,
}
"""Meaning of the engine's answers. MODEL_INVALID is left out, because it would be our fault."""

WATCH_S = 0.01
"""Seconds between looks at the stop flag: a cancellation has to take effect in 0.05 s."""

EXACT = 2.0**52
"""Floats below this tell whole numbers and halves apart."""

GRACE_S = 0.02
"""Seconds to wait for a stopped engine before it is left to end by itself."""


def status_of(answer: int) -> Status:
    """Translate the engine's answer into a status.

    Raises
    ------
    UnmappedStatus
        If the answer is not in the table.
    """
    status = STATUSES.get(answer)
    if status is None:
        *known, got = map(CpSolverStatus.Name, (*STATUSES, answer))
        message = f"the answer of CP-SAT must be one of {', '.join(known)}; got {got}"
        raise UnmappedStatus(message)
    return status


WORK_PER_ENGINE_S = 20 * WORK_PER_S
"""Steps per deterministic second of the engine. On job shops of 100 to 250 operations one took 16
to 65 seconds of a core, because the engine does not count most of the cost of sequencing."""
INSTALMENT = 0.05 * WORK_PER_S
"""Steps counted at once; members that wait for their turn get as many after each."""


def pay(search: Search, work: float) -> None:
    """Count steps that were done in one go, so that others can catch up one by one."""
    while work > 0 and search.spend(min(work, INSTALMENT)):
        work -= INSTALMENT


@dataclass(frozen=True, slots=True)
class Effort:
    """Limits and settings of one run.

    Parameters
    ----------
    deterministic_s
        In the engine's own unit, which comes out the same on every machine.
    linearization
        Level of the linear relaxation, from 0 to 2; ``None`` for the engine's default.
    brief
        True to search at once: presolve and linear relaxation of a small model take longer than
        its solution.
    """

    deterministic_s: float = math.inf
    workers: int = 1
    brief: bool = False
    linearization: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a run.

    Parameters
    ----------
    bound
        Proven bound on the engine's objective; ``None`` without a plan. Bounds proven before then
        went to `bounded`.
    deterministic_s
        Work in the engine's own unit.
    """

    status: Status
    bound: int | None
    deterministic_s: float


def whole(bound: float) -> int:
    """Round a bound up: objectives are whole numbers, the engine's bounds are not always.

    Beyond 2**52 a float stands for several whole numbers, and is rounded down to a safe one.
    """
    if abs(bound) < EXACT:
        return math.ceil(bound - 1e-3)
    return int(bound) - math.ceil(math.ulp(bound))


class _Run(cp_model.CpSolverSolutionCallback):
    """One run in a thread of its own, which can be left behind.

    The engine reads its stop signal only now and then, at times not for 0.1 s. A caller that
    cancels does not wait for that: later plans and bounds are dropped.
    """

    def __init__(
        self,
        engine: cp_model.CpSolver,
        model: cp_model.CpModel,
        taken: Callable[[cp_model.CpSolverSolutionCallback], None],
        bounded: Callable[[int], None] | None,
    ) -> None:
        super().__init__()
        self.engine = engine
        self.answer: int = cp_model.UNKNOWN
        self.error: Exception | None = None
        self.done = Event()
        self.is_left = False
        self._model, self._taken, self._bounded = model, taken, bounded
        engine.best_bound_callback = self._on_bound

    def on_solution_callback(self) -> None:
        """Pass on the plan that was just found."""
        if not self.is_left:
            self._taken(self)

    def _on_bound(self, bound: float) -> None:
        if not self.is_left and self._bounded is not None:
            self._bounded(whole(bound))

    def solve(self) -> None:
        """Run the engine; an error is kept for the waiting thread."""
        try:
            self.engine.solve(self._model, self)
            self.answer = self.engine.response_proto.status
        except Exception as error:
            self.error = error
        finally:
            self.done.set()

    def outcome(self) -> Outcome:
        """Give the result, or raise the error of the run."""
        if self.error is not None:
            raise self.error
        response, status = self.engine.response_proto, status_of(self.answer)
        bound = None
        # Without a plan the engine says 0, which is no bound where values are negative.
        if status in (Status.OPTIMAL, Status.FEASIBLE):
            # The engine's own integer, because the bound in floating point is off beyond 2**53.
            bound = response.inner_objective_lower_bound + whole(self._model.proto.objective.offset)
        return Outcome(status, bound, response.deterministic_time)


def run(
    model: Model,
    search: Search,
    seed: int,
    effort: Effort,
    *,
    taken: Callable[[cp_model.CpSolverSolutionCallback], None],
    bounded: Callable[[int], None] | None = None,
    stale: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Solve a model within the remaining limits of a search, and count the work.

    Parameters
    ----------
    taken
        Called with the values of each plan.
    bounded
        Called with each bound that the engine proves.
    stale
        Asked now and then; the run ends once it answers true, because others found a better plan.
    """
    engine = _engine(search, seed, effort)
    running = _Run(engine, model.cp, taken, bounded)
    # No daemon: it returns soon after its stop signal, and must not be cut off inside the engine.
    Thread(target=running.solve, name="engine").start()
    while not running.done.wait(WATCH_S):
        is_over = bool(search.stop_flag[0]) or search.remaining_s <= 0
        if is_over or stale():
            engine.stop_search()
        if is_over and not running.done.wait(GRACE_S):
            running.is_left = True
            return Outcome(Status.LIMIT, None, 0.0)
    outcome = running.outcome()
    pay(search, outcome.deterministic_s * WORK_PER_ENGINE_S)
    return outcome


def _engine(search: Search, seed: int, effort: Effort) -> cp_model.CpSolver:
    engine = cp_model.CpSolver()
    parameters = engine.parameters
    parameters.num_workers = effort.workers
    # The engine takes 31 bits.
    parameters.random_seed = seed % 2**31
    if effort.linearization is not None:
        parameters.linearization_level = effort.linearization
    if effort.brief:
        parameters.cp_model_presolve = False
        parameters.linearization_level = 0
        parameters.symmetry_level = 0
    parameters.catch_sigint_signal = False
    deterministic_s = min(
        effort.deterministic_s, max(search.remaining_work, 0.0) / WORK_PER_ENGINE_S
    )
    if math.isfinite(deterministic_s):
        parameters.max_deterministic_time = deterministic_s
    return engine
