"""Large-neighbourhood search: free a part of the best plan, and let CP-SAT repair it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.model.schedule import Status
from scheduler.solvers.arrays import OPEN, Arrays, Solution
from scheduler.solvers.exact.constraints import constrained
from scheduler.solvers.exact.cp_model import Interrupted, Values
from scheduler.solvers.exact.cp_objectives import (
    SumTooLarge,
    minimise,
    minimise_ends,
    minimise_overrun,
)
from scheduler.solvers.exact.engine import Effort, pay, run
from scheduler.solvers.exact.frame import Frame, frame_of
from scheduler.solvers.exact.neighbourhoods import ALL, MOST_MODES, Ops, Plan, Random
from scheduler.solvers.exact.windows import window
from scheduler.solvers.heuristics.left_shift import left_shifted, regenerated
from scheduler.solvers.kernels.serial.evaluation import CODES, score
from scheduler.solvers.kernels.timeline.drafts import Draft, draft
from scheduler.solvers.search import Found, Search

BY = "large_neighbourhood"
STEP_S = 0.01
"""Deterministic seconds of the engine for one repair."""
BUILD_WORK = 5_000
"""Steps per operation for writing the model down: about 50 us each."""
STEP_WORK = 500_000
"""Steps of any repair, besides: the engine takes about 5 ms to begin and to end."""
FIRST_SIZE, LEAST_SIZE = 30.0, 6.0
"""Operations freed at once: at first, and at least."""
FLAT_SHARE = 0.5
"""Share of windows that may keep the makespan, if operations end earlier in sum: no window shortens
all of a hundred chains of equal length."""
MOST_WHOLE = 800
"""Most operations of a plan that is modelled as a whole. Of a larger one, only a window is. That is
cheaper, but its gain shows only when the whole is put together again."""


@dataclass
class _Arm:
    """One kind of neighbourhood, with the size of its parts and its recent success."""

    name: str
    size: float = FIRST_SIZE
    merit: float = 1.0


@dataclass
class _NeighbourhoodState:
    """State that a search keeps from step to step."""

    random: Random
    most_whole: int
    arms: list[_Arm] = field(default_factory=lambda: [_Arm(name) for name in ALL])
    found: Found | None = None
    plan: Plan | None = None
    frame: Frame | None = None
    draft: Draft | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repair:
    """A part of a plan for the engine to solve; `whole` turns its answer into a plan of the whole.

    Parameters
    ----------
    is_complete
        True if every mode of the freed operations is in the form.
    hint
        The present part, if an equal value is enough: earlier ends leave more room for the next
        repair.
    """

    form: Arrays
    frame: Frame
    whole: Callable[[Solution], Solution | None]
    is_complete: bool = False
    hint: Solution | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeNeighbourhood:
    """Improves the best plan of the search, part by part, for every objective and feature.

    Operations that are not freed keep their mode and their order, not their start (a partial order
    schedule). The kind and size of the next part follow from past success.

    Parameters
    ----------
    most_whole
        Most operations of a plan that is modelled as a whole; of a larger one, only a window is.

    References
    ----------
    Shaw (1998), doi:10.1007/3-540-49481-2_30; Godard, Laborie and Nuijten (2005), randomized large
    neighborhood search for cumulative scheduling (ICAPS), for the partial order; Ropke and
    Pisinger (2006), doi:10.1287/trsc.1050.0135, for the adaptive choice.
    """

    most_whole: int = MOST_WHOLE

    def __call__(self, search: Search, seed: int) -> None:
        """Search until it is over, or until freeing everything at once gave no better plan."""
        state = _NeighbourhoodState(np.random.default_rng(seed), self.most_whole)
        while search.best is not None and search.spend():
            try:
                if not _step(search, state):
                    return
            except (Interrupted, SumTooLarge):
                return


def _step(search: Search, state: _NeighbourhoodState) -> bool:
    """Free one part and repair it; false if nothing is left to try."""
    found = search.best
    assert found is not None
    if state.found is not found or state.plan is None:
        state.found, state.plan, state.frame = found, Plan(search.form, found.solution), None
    plan = state.plan
    if not len(plan.open):
        return False
    arm = _chosen(state)
    free = ALL[arm.name](plan, state.random, int(arm.size))
    if len(plan.open) <= state.most_whole:
        task: _Repair | None = _among_all(search, state, plan, free, found)
    else:
        task = _in_window(search, state, plan, free, found)
    if task is None:
        arm.size = max(arm.size * 0.9, LEAST_SIZE)
        return search.spend(len(plan.form.state))
    status, better, spent_s = _repair(search, state, task, found)
    _learn(arm, status, better, spent_s)
    is_exhausted = status in {Status.OPTIMAL, Status.INFEASIBLE} and not better
    return not (is_exhausted and len(free) == len(plan.open) and task.is_complete)


def _among_all(
    search: Search, state: _NeighbourhoodState, plan: Plan, free: Ops, found: Found
) -> _Repair:
    if state.frame is None:
        soft = found.score[0] > 0 or search.objective is Objective.DEADLINE_MISSES
        state.frame = frame_of(search.form, search.objective, found, soft=soft, strict=True)
    frame = _freed(plan, state.frame, free, state.random)

    def whole(solution: Solution) -> Solution:
        return left_shifted(search.form, solution, _draft(search.form, state))

    fewest = all(len(row) <= MOST_MODES for row in state.frame.modes)
    return _Repair(form=search.form, frame=frame, whole=whole, is_complete=fewest)


def _draft(form: Arrays, state: _NeighbourhoodState) -> Draft:
    if state.draft is None:
        state.draft = draft(form)
    return state.draft


def _chosen(state: _NeighbourhoodState) -> _Arm:
    merits = np.array([arm.merit for arm in state.arms])
    return state.arms[int(state.random.choice(len(merits), p=merits / merits.sum()))]


def _learn(arm: _Arm, status: Status, better: bool, spent_s: float) -> None:
    """Free larger parts if repairs were exhausted soon, smaller ones if not."""
    arm.merit = 0.9 * arm.merit + 0.1 * (1.0 if better else 0.2)
    if status is Status.LIMIT or spent_s > 0.7 * STEP_S:
        arm.size = max(arm.size * 0.9, LEAST_SIZE)
    elif spent_s < 0.3 * STEP_S:
        arm.size *= 1.1


def _freed(plan: Plan, frame: Frame, free: Ops, random: Random) -> Frame:
    """Fix modes and orders of all but the freed operations."""
    is_free = np.zeros(len(plan.form.state), bool)
    is_free[free] = True
    fixed = plan.sequence[~is_free[plan.sequence]]
    mode = plan.solution.mode
    modes = list(frame.modes)
    for i in fixed.tolist():
        modes[i] = [int(mode[i])]
    for i in free.tolist():
        if len(modes[i]) > MOST_MODES:
            others = random.choice(modes[i], MOST_MODES, replace=False).tolist()
            modes[i] = sorted({int(mode[i]), *others})
    chains: dict[int, list[int]] = {}
    exclusive = plan.form.machine_exclusive[plan.machine[fixed]] != 0
    for i, machine in zip(
        fixed[exclusive].tolist(), plan.machine[fixed[exclusive]].tolist(), strict=True
    ):
        chains.setdefault(machine, []).append(i)
    return replace(frame, modes=modes, chains=chains, orders=plan.orders(fixed))


def _in_window(
    search: Search, state: _NeighbourhoodState, plan: Plan, free: Ops, found: Found
) -> _Repair | None:
    is_flat = search.objective is Objective.MAKESPAN and state.random.random() < FLAT_SHARE
    most = None if found.score[0] > 0 else found.score[1] - (not is_flat)
    cut = window(plan, free, search.objective, most, state.random)
    if cut is None:
        return None

    def whole(small: Solution) -> Solution | None:
        mode, start_us = plan.solution.mode.copy(), plan.solution.start_us.copy()
        moved = cut.form.state == OPEN
        mode[cut.kept[moved]] = cut.mode_of[small.mode[moved]]
        start_us[cut.kept[moved]] = small.start_us[moved]
        wanted = Solution(mode, start_us)
        return regenerated(search.form, wanted, _draft(search.form, state))

    hint = cut.solution if is_flat and most is not None else None
    return _Repair(form=cut.form, frame=cut.frame, whole=whole, hint=hint)


def _repair(
    search: Search, state: _NeighbourhoodState, task: _Repair, found: Found
) -> tuple[Status, bool, float]:
    """Solve the part, and offer the resulting plan."""
    is_late = found.score[0] > 0
    soft = is_late or search.objective is Objective.DEADLINE_MISSES
    model = constrained(task.form, task.frame, soft=soft, stopped=lambda: bool(search.stop_flag[0]))
    if is_late:
        minimise_overrun(model)
    elif task.hint is not None:
        minimise_ends(model)
        model.hint(task.hint)
    else:
        minimise(model, search.objective)
    last: list[Solution] = []

    def taken(values: Values) -> None:
        last[:] = [model.solution(values)]

    pay(search, STEP_WORK + len(model.open) * BUILD_WORK + len(search.form.state))
    effort = Effort(STEP_S, brief=True)
    outcome = run(model, search, int(state.random.integers(2**31)), effort, taken=taken)
    plan = task.whole(last[0]) if last else None
    better = plan is not None and (search.offer(plan, BY) or _sidestep(search, state, task, plan))
    return outcome.status, better, outcome.deterministic_s


def _sidestep(
    search: Search, state: _NeighbourhoodState, task: _Repair, solution: Solution
) -> bool:
    """Continue from a plan of equal value, if its operations end earlier in sum."""
    found = state.found
    if task.hint is None or found is None or state.plan is None or search.best is not found:
        return False
    late_us, value = score(search.form, *solution, CODES[search.objective])
    plan = Plan(search.form, solution)
    if (late_us, value) > found.score or plan.end_us.sum() >= state.plan.end_us.sum():
        return False
    state.plan = plan
    return True


large_neighbourhood = LargeNeighbourhood()
