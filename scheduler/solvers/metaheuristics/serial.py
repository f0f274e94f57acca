"""Shared parts of searches over orders and modes: decoder memory, first plans, accounting."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import NEVER_US, OPEN, Arrays, Long, Solution
from scheduler.solvers.kernels.ordering import rows
from scheduler.solvers.kernels.randomness import State
from scheduler.solvers.kernels.serial.annealing import AnnealingWalk
from scheduler.solvers.kernels.serial.choosing import Choices, repair
from scheduler.solvers.kernels.serial.decoding import (
    LANE,
    PLACEMENT,
    Decoder,
    by_rank,
    decode,
    decode_greedily,
    settle,
)
from scheduler.solvers.kernels.serial.evaluation import CODES
from scheduler.solvers.kernels.serial.moves import chain_room
from scheduler.solvers.kernels.serial.profiles import profile
from scheduler.solvers.kernels.serial.records import Records, Rows, rows_of
from scheduler.solvers.search import Search

_SLICE_STEPS = 1_000_000
"""Elementary steps between two looks at the clock: about 10 ms."""
_STEPS_PER_PLAN, _STEPS_PER_OPERATION = 150, 12
"""Elementary steps to change, decode and score a plan: measured, 10 ns each."""
_TRIES = 50
"""Repairs per operation before a choice of modes is given up."""


class Bench(NamedTuple):
    """A problem, ready to be decoded again and again.

    Parameters
    ----------
    rows, mirror
        The problem, and the problem with time reversed, for justification.
    """

    rows: Rows
    mirror: Rows
    decoder: Decoder
    choices: Choices


def bench(form: Arrays) -> Bench:
    """Allocate a bench for a form."""
    return Bench(rows_of(form), rows_of(mirrored(form)), _decoder(form), _choices(form))


def justifies(search: Search) -> bool:
    """True if justification is worth a try: it is designed for makespan."""
    return search.objective is Objective.MAKESPAN and not search.form.state.any()


def upbringing(search: Search) -> Long:
    """Settings with which `breeding.raise_up` improves plans.

    Plans per slice, objective, flag to justify, moves of local search, elementary steps per plan.
    Local search pays if modes are to be chosen or machines shared, justification if neither.
    """
    form = search.form
    justified = justifies(search)
    chosen = bool(form.machine_exclusive.any() or (np.diff(form.mode_first) > 1).any())
    most = int(_SLICE_STEPS // steps_per_plan(form))
    climbs = min(len(form.state) // 2 + 1, most) if chosen or not justified else 0
    steps = (1 + 2 * justified + climbs) * steps_per_plan(form)
    at_once = at_a_time(search, steps)
    return np.array([at_once, CODES[search.objective], justified, climbs, steps], np.int64)


def steps_per_plan(form: Arrays) -> int:
    """Elementary steps to try a plan."""
    return _STEPS_PER_PLAN + _STEPS_PER_OPERATION * len(form.state)


def at_a_time(search: Search, steps: int) -> int:
    """Number of actions that fit between two looks at the clock, and into the remaining work."""
    return max(1, int(min(_SLICE_STEPS, search.remaining_work)) // steps)


def mirrored(form: Arrays) -> Arrays:
    """Reverse time: targets become sources. Releases, windows, setups, progress are dropped."""
    none = np.zeros(0, np.int64)
    return form._replace(
        now_us=0,
        state=np.full_like(form.state, OPEN),
        earliest_us=np.zeros_like(form.earliest_us),
        mode_setup_us=np.zeros_like(form.mode_setup_us),
        window_first=np.zeros_like(form.window_first),
        window_start_us=none,
        window_end_us=none,
        source_first=form.target_first,
        source_op=form.target_op,
        source_edge=form.target_edge,
        target_first=form.source_first,
        target_op=form.source_op,
        target_edge=form.source_edge,
        link_latency_us=np.ascontiguousarray(form.link_latency_us.T),
        link_rate=np.ascontiguousarray(form.link_rate.T),
    )


def blank(rows: Rows) -> Records:
    """Allocate a plan with the topological order and first modes, without times."""
    plan = np.zeros(len(rows.op), PLACEMENT).view(np.recarray)
    plan["order"] = rows.order
    plan["position"][rows.order] = np.arange(len(plan))
    plan["mode"] = rows.op["mode_first"]
    return plan


def walk_room(room: Bench) -> AnnealingWalk:
    """Allocate a walk for a bench."""
    rows = room.rows
    return AnnealingWalk(
        now=blank(rows),
        trial=blank(rows),
        best=blank(rows),
        spare=blank(rows),
        worth=np.zeros((3, 2), np.int64),
        scale=np.ones(2),
        chain=chain_room(rows),
        room=np.zeros((2, len(rows.job)), np.int64),
    )


def plans(count: int, operations: int) -> Records:
    """Allocate several empty plans."""
    return np.zeros((count, operations), PLACEMENT).view(np.recarray)


def solution(plan: Records) -> Solution:
    """Turn a plan into a solution."""
    return Solution(plan["mode"].copy(), plan["start_us"].copy())


def solvable(form: Arrays) -> bool:
    """True if there are operations to place, and each has a mode."""
    return len(form.state) > 0 and bool((np.diff(form.mode_first) > 0).all())


def begin(search: Search, room: Bench, plan: Records, rng: State) -> bool:
    """Fill a plan with the best of the search, or with a list schedule if there is none."""
    if search.best is None:
        return construct(search, room, plan, 0.0, rng)
    plan["mode"] = search.best.solution.mode
    plan["start_us"] = search.best.solution.start_us
    settle(plan, False)
    return decode(room.rows, room.decoder, plan, NEVER_US, search.stop_flag)


def construct(search: Search, room: Bench, plan: Records, spread: float, rng: State) -> bool:
    """Fill a plan by list scheduling: longest path to the end first, earliest finish.

    Durations vary at random by the share `spread`, so that different plans result. True if a plan
    was found that keeps all rules.
    """
    rows, stop = room.rows, search.stop_flag
    by_rank(rows, spread, rng, plan)
    if not decode_greedily(rows, room.decoder, plan, stop):
        return False
    if not repair(rows, room.choices, plan, plan.copy(), rng, _TRIES * len(plan), stop):
        return False
    if not decode(rows, room.decoder, plan, NEVER_US, stop):
        return False
    settle(plan, False)
    return True


def _decoder(form: Arrays) -> Decoder:
    machines, n = len(form.machine_device), len(form.state)
    demanding = n if len(form.demand_resource) else 0
    return Decoder(
        lane=np.zeros(machines, LANE).view(np.recarray),
        group_device=np.zeros(int(form.group.max(initial=-1)) + 1, np.int32),
        slot=np.zeros(1, np.int32),
        profile=profile(demanding, len(form.resource_capacity)),
    )


def _choices(form: Arrays) -> Choices:
    machines, families = len(form.machine_device), int(form.mode_family.max(initial=0)) + 1
    limited = bool((form.machine_memory_bytes < NEVER_US).any())
    grouped = np.flatnonzero(form.group >= 0).astype(np.int32)
    groups = int(form.group.max(initial=-1)) + 1
    group_first, member = rows(form.group[grouped], groups)
    bound = [
        not form.resource_renewable.all(),
        limited,
        groups > 0,
        bool((form.link_latency_us < 0).any()),
    ]
    return Choices(
        free=np.flatnonzero(np.diff(form.mode_first) > 1).astype(np.int32),
        bound=np.array(bound, np.int32),
        group_first=group_first,
        group_op=grouped[member],
        left=_left(form),
        used=_longs(len(form.resource_capacity)),
        family_bytes=np.zeros((machines if limited else 0, families), np.int64),
        held_bytes=_longs(machines),
        extra_bytes=_longs(machines),
        saved=np.zeros(max(1, len(grouped)), np.int32),
    )


def _left(form: Arrays) -> Long:
    """Amount of each resource that operations leave that are not open."""
    user = np.repeat(np.arange(len(form.mode_us)), np.diff(form.demand_first))
    held = np.repeat(form.state != OPEN, np.diff(form.mode_first))[user]
    spent = _longs(len(form.resource_capacity))
    np.add.at(spent, form.demand_resource[held], form.demand_amount[held])
    left: Long = np.maximum(form.resource_capacity - spent, 0)
    return left


def _longs(count: int) -> Long:
    return np.zeros(count, np.int64)
