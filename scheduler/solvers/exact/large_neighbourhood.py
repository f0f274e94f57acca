"""Large-neighbourhood search: free a part of the best plan, and let CP-SAT put it right again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.model.schedule import Status
from scheduler.solvers.arrays import Solution
from scheduler.solvers.exact.cp_machines import add_machines
from scheduler.solvers.exact.cp_model import Interrupted, Model, Values
from scheduler.solvers.exact.cp_objectives import TooLarge, minimise, minimise_overrun
from scheduler.solvers.exact.engine import Effort, pay, run
from scheduler.solvers.exact.frame import Frame, frame_of
from scheduler.solvers.exact.neighbourhoods import ALL, Ops, Plan, Random
from scheduler.solvers.search import Found, Search

BY = "large_neighbourhood"
STEP_S = 0.01
"""Deterministic seconds of the engine for one repair."""
BUILD_WORK = 5_000
"""Steps per operation that writing the model down counts as: about 50 us each."""
FIRST_SIZE, LEAST_SIZE = 30.0, 6.0
"""Operations that are freed at once, to begin with and at least."""


@dataclass
class _Arm:
    """One kind of neighbourhood: how much it frees, and how well it does lately."""

    name: str
    size: float = FIRST_SIZE
    merit: float = 1.0


@dataclass
class _State:
    """What a search remembers from step to step."""

    random: Random
    arms: list[_Arm] = field(default_factory=lambda: [_Arm(name) for name in ALL])
    found: Found | None = None
    plan: Plan | None = None
    frame: Frame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeNeighbourhood:
    """Improves the best plan of the search, part by part, for every objective and feature.

    Operations that are not freed keep their mode and their order, not their start (a partial order
    schedule). Which kind of part is freed next, and how much of it, follows from what paid off.

    References
    ----------
    Shaw (1998), doi:10.1007/3-540-49481-2_30; Godard, Laborie and Nuijten (2005), randomized large
    neighborhood search for cumulative scheduling (ICAPS), for the partial order; Ropke and
    Pisinger (2006), doi:10.1287/trsc.1050.0135, for the adaptive choice.
    """

    def __call__(self, search: Search, seed: int) -> None:
        """Search until it is over, or everything has been freed at once."""
        state = _State(np.random.default_rng(seed))
        while search.best is not None and search.spend():
            try:
                if not _step(search, state, seed):
                    return
            except (Interrupted, TooLarge):
                return


def _step(search: Search, state: _State, seed: int) -> bool:
    """Free one part and repair it. Whether there is anything left to try."""
    found = search.best
    assert found is not None
    if state.found is not found or state.plan is None or state.frame is None:
        _look_at(search, state, found)
    plan, frame = state.plan, state.frame
    assert plan is not None
    assert frame is not None
    if not len(plan.open):
        return False
    arm = _chosen(state)
    free = ALL[arm.name](plan, state.random, int(arm.size))
    status, better, spent_s = _repair(search, plan, _freed(plan, frame, free), found, state, seed)
    _learn(arm, status, better, spent_s)
    return not (len(free) == len(plan.open) and status in {Status.OPTIMAL, Status.INFEASIBLE})


def _look_at(search: Search, state: _State, found: Found) -> None:
    state.found = found
    state.plan = Plan(search.form, found.solution)
    soft = found.score[0] > 0 or search.objective is Objective.DEADLINE_MISSES
    state.frame = frame_of(search.form, search.objective, found, soft=soft, strict=True)


def _chosen(state: _State) -> _Arm:
    merits = np.array([arm.merit for arm in state.arms])
    return state.arms[int(state.random.choice(len(merits), p=merits / merits.sum()))]


def _learn(arm: _Arm, status: Status, better: bool, spent_s: float) -> None:
    """Free more where repairs were exhausted soon, less where they were not."""
    arm.merit = 0.9 * arm.merit + 0.1 * (1.0 if better else 0.2)
    if status is Status.LIMIT or spent_s > 0.7 * STEP_S:
        arm.size = max(arm.size * 0.9, LEAST_SIZE)
    elif spent_s < 0.3 * STEP_S:
        arm.size *= 1.1


def _freed(plan: Plan, frame: Frame, free: Ops) -> Frame:
    """Fix modes and orders of all but the freed operations."""
    is_free = np.zeros(len(plan.form.state), bool)
    is_free[free] = True
    fixed = plan.sequence[~is_free[plan.sequence]]
    mode = plan.solution.mode
    modes = list(frame.modes)
    for i in fixed.tolist():
        modes[i] = [int(mode[i])]
    chains: dict[int, list[int]] = {}
    exclusive = plan.form.machine_exclusive[plan.machine[fixed]] != 0
    for i, machine in zip(
        fixed[exclusive].tolist(), plan.machine[fixed[exclusive]].tolist(), strict=True
    ):
        chains.setdefault(machine, []).append(i)
    return replace(frame, modes=modes, chains=chains, orders=_orders(plan, fixed))


def _orders(plan: Plan, fixed: Ops) -> list[tuple[int, int]]:
    """Of what shares resources, each after all that ended before it started; without detours."""
    form = plan.form
    if not len(form.demand_amount):
        return []
    mode = plan.solution.mode
    renewable = np.concatenate(([0], np.cumsum(form.resource_renewable[form.demand_resource])))
    shares = renewable[form.demand_first[mode + 1]] > renewable[form.demand_first[mode]]
    users = fixed[shares[fixed]]
    start_us, end_us = plan.solution.start_us[users], plan.end_us[users]
    by_end = np.argsort(end_us, kind="stable")
    last_start_us = np.maximum.accumulate(start_us[by_end]) if len(users) else start_us
    ended = np.searchsorted(end_us[by_end], start_us, side="right")
    found = []
    for place, count in enumerate(ended.tolist()):
        if count:
            first = np.searchsorted(end_us[by_end], last_start_us[count - 1], side="right")
            found += [(int(users[b]), int(users[place])) for b in by_end[first:count]]
    return found


def _repair(
    search: Search, plan: Plan, frame: Frame, found: Found, state: _State, seed: int
) -> tuple[Status, bool, float]:
    """Solve the part, and offer what comes out."""
    is_late = found.score[0] > 0
    soft = is_late or search.objective is Objective.DEADLINE_MISSES
    model = Model(search.form, frame, soft=soft, stopped=lambda: bool(search.stop_flag[0]))
    add_machines(model)
    if is_late:
        minimise_overrun(model)
    else:
        minimise(model, search.objective)
    last: list[Solution] = []

    def taken(values: Values) -> None:
        last[:] = [model.solution(values)]

    pay(search, len(model.open) * BUILD_WORK)
    effort = Effort(STEP_S, brief=True)
    status, engine = run(model, search, int(state.random.integers(2**31)), effort, taken=taken)
    better = bool(last) and search.offer(last[0], BY)
    return status, better, engine.deterministic_time


large_neighbourhood = LargeNeighbourhood()
