"""A window of a large plan as a small problem of its own.

The rest of the plan becomes a few constants: ready times of data and machines, used memory, tails.
A step then costs as much as the window, and not as the whole plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import ENDED, NEVER_US, OPEN, Arrays, Solution
from scheduler.solvers.exact.frame import Frame, framed
from scheduler.solvers.exact.neighbourhoods import MOST_MODES, Ops, Plan, Random
from scheduler.solvers.kernels.bounds import margins

Mask = NDArray[np.bool_]
MOST_INSIDE = 400
"""Most operations of a window: free ones, and those between them that keep mode and order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subproblem:
    """A small form, its frame, and the positions of its operations in the whole.

    Parameters
    ----------
    kept
        Operations of the whole, in the order of the small form.
    mode_of
        Per mode of the small form, the mode of the whole.
    solution
        The part of the plan that lies in the window.
    """

    form: Arrays
    frame: Frame
    kept: Ops
    mode_of: Ops
    solution: Solution


def window(
    plan: Plan, free: Ops, objective: Objective, most: int | None, random: Random
) -> Subproblem | None:
    """Cut out the free operations and those between them; `None` if these are too many.

    Parameters
    ----------
    most
        Largest makespan allowed; ``None`` if deadlines are missed, so that any is allowed.
    """
    form = plan.form
    is_free = _mask(form, free)
    lanes = np.zeros(len(form.machine_device), bool)
    lanes[plan.machine[free]] = True
    first_us = int(plan.solution.start_us[free].min())
    last_us = int(plan.end_us[free].max())
    on_lanes = lanes[plan.machine]
    is_open = form.state == OPEN
    meets = (plan.end_us > first_us) & (plan.solution.start_us < last_us)
    inside = is_free | (on_lanes & is_open & meets)
    if int(inside.sum()) > MOST_INSIDE:
        return None
    after = _mask(form, _neighbours(form.target_first, form.target_op, np.flatnonzero(inside)))
    after |= _mask(
        form, _first_of_each(plan, on_lanes & is_open & (plan.solution.start_us >= last_us))
    )
    after &= is_open & ~inside
    movable = inside | after
    before = _mask(form, _neighbours(form.source_first, form.source_op, np.flatnonzero(inside)))
    before |= _mask(form, _last_of_each(plan, on_lanes & (plan.end_us <= first_us)))
    before |= on_lanes & ~is_open & (plan.end_us > form.now_us)
    if len(form.demand_amount):
        before |= _takes_resources(plan) & meets & ~inside
    before &= ~movable
    return _cut(
        plan,
        most,
        objective,
        random,
        _WindowMasks(is_free, after, movable, movable | before, lanes, first_us),
    )


@dataclass(frozen=True, slots=True)
class _WindowMasks:
    """Masks of free, later, movable and included operations; machines; begin of the window."""

    free: Mask
    after: Mask
    movable: Mask
    kept: Mask
    lanes: Mask
    first_us: int


def _mask(form: Arrays, ops: Ops) -> Mask:
    found = np.zeros(len(form.state), bool)
    found[ops] = True
    return found


def _spans(first: NDArray[np.int32], rows: Ops) -> Ops:
    """Positions of the given rows of a compressed array, one row after another."""
    lengths = (first[rows + 1] - first[rows]).astype(np.intp)
    begins = np.repeat(first[rows] - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    return np.asarray(begins + np.arange(int(lengths.sum())), np.intp)


def _neighbours(first: NDArray[np.int32], op: NDArray[np.int32], of: Ops) -> Ops:
    return op[_spans(first, of)].astype(np.intp) if len(of) else of


def _first_of_each(plan: Plan, among: Mask) -> Ops:
    """Earliest of the operations on each machine."""
    rows = plan.sequence[among[plan.sequence]]
    _, places = np.unique(plan.machine[rows], return_index=True)
    return rows[places]


def _last_of_each(plan: Plan, among: Mask) -> Ops:
    """Latest of the operations on each machine."""
    rows = plan.sequence[among[plan.sequence]][::-1]
    _, places = np.unique(plan.machine[rows], return_index=True)
    return rows[places]


def _takes_resources(plan: Plan) -> Mask:
    form, mode = plan.form, plan.solution.mode
    return np.asarray(form.demand_first[mode + 1] > form.demand_first[mode])


# --- the small form


def _cut(
    plan: Plan, most: int | None, objective: Objective, random: Random, parts: _WindowMasks
) -> Subproblem:
    kept = np.flatnonzero(parts.kept)
    modes, counts = _modes(plan, parts, kept, random)
    small = _form(plan, parts, kept, modes, counts)
    place = np.searchsorted(modes, plan.solution.mode[kept]).astype(np.int32)
    solution = Solution(place, plan.solution.start_us[kept])
    tails = _tails(plan, parts, kept, objective)
    frame = framed(small, *_limits(plan, most, objective, tails, small), soft=most is None)
    tail_us = {i: tail for i, tail in enumerate(tails.tolist()) if tail}
    chains = _chains(plan, parts, kept)
    fixed = kept[~parts.free[kept] & parts.movable[kept]]
    number = {int(i): j for j, i in enumerate(kept)}
    orders = [(number[a], number[b]) for a, b in plan.orders(fixed)]
    frame = replace(frame, tail_us=tail_us, chains=chains, orders=orders)
    return Subproblem(form=small, frame=frame, kept=kept, mode_of=modes, solution=solution)


def _modes(
    plan: Plan, parts: _WindowMasks, kept: Ops, random: Random
) -> tuple[Ops, NDArray[np.int32]]:
    """Modes of the small form, and their number per operation; a fixed one has only its own."""
    form, current = plan.form, plan.solution.mode
    rows = _spans(form.mode_first, kept)
    owner = np.repeat(kept, (form.mode_first[kept + 1] - form.mode_first[kept]).astype(np.intp))
    is_own = rows == current[owner]
    allowed = parts.free[owner] & parts.lanes[form.mode_machine[rows]]
    # Memory, and the device of a group, depend on the whole plan, and therefore stay as they are.
    device, own_device = form.machine_device[form.mode_machine[rows]], plan.machine[owner]
    allowed &= (form.group[owner] < 0) | (device == form.machine_device[own_device])
    allowed &= _fits_memory(plan, rows)
    choices = np.bincount(np.searchsorted(kept, owner[allowed]), minlength=len(kept))
    share = MOST_MODES / np.maximum(choices, 1)[np.searchsorted(kept, owner)]
    chosen = is_own | (allowed & (random.random(len(rows)) < share))
    counts = np.bincount(np.searchsorted(kept, owner[chosen]), minlength=len(kept))
    return rows[chosen], counts.astype(np.int32)


def _fits_memory(plan: Plan, rows: Ops) -> Mask:
    """Per mode, true if memory has room for it in any case, because its session is there anyway."""
    form = plan.form
    limited = form.machine_memory_bytes[form.mode_machine[rows]] < NEVER_US
    if not limited.any():
        return np.ones(len(rows), bool)
    used = plan.solution.mode
    held: dict[tuple[int, int], int] = {}
    extra: dict[int, int] = {}
    for k in used.tolist():
        machine, family = int(form.mode_machine[k]), int(form.mode_family[k])
        held[machine, family] = max(
            held.get((machine, family), -1), int(form.mode_resident_bytes[k])
        )
        extra[machine] = max(extra.get(machine, 0), int(form.mode_extra_bytes[k]))
    fits = [
        not held_back
        or (
            (form.mode_family[k] != 0 or form.mode_resident_bytes[k] == 0)
            and held.get((int(form.mode_machine[k]), int(form.mode_family[k])), -1)
            >= form.mode_resident_bytes[k]
            and extra.get(int(form.mode_machine[k]), 0) >= form.mode_extra_bytes[k]
        )
        for k, held_back in zip(rows.tolist(), limited.tolist(), strict=True)
    ]
    return np.array(fits, bool)


def _form(
    plan: Plan, parts: _WindowMasks, kept: Ops, modes: Ops, counts: NDArray[np.int32]
) -> Arrays:
    form, solution = plan.form, plan.solution
    movable, lanes = parts.movable[kept], parts.lanes
    # The last operation before the window holds its machine from the present on: gaps before its
    # end are not used.
    held = ~movable & lanes[plan.machine[kept]] & (plan.end_us[kept] <= parts.first_us)
    demands = _spans(form.demand_first, modes)
    return form._replace(
        state=np.where(movable, OPEN, ENDED).astype(np.int32),
        frozen_start_us=np.where(
            held, np.minimum(form.now_us, solution.start_us[kept]), solution.start_us[kept]
        ),
        frozen_end_us=plan.end_us[kept],
        job=form.job[kept],
        group=np.full(len(kept), -1, np.int32),
        band=form.band[kept],
        earliest_us=form.earliest_us[kept],
        mode_first=_firsts(counts),
        mode_index=form.mode_index[modes],
        mode_machine=form.mode_machine[modes],
        mode_us=form.mode_us[modes],
        mode_p95_us=form.mode_p95_us[modes],
        mode_family=form.mode_family[modes],
        mode_setup_us=_setups_us(plan, parts, modes),
        mode_energy_uj=form.mode_energy_uj[modes],
        mode_resident_bytes=form.mode_resident_bytes[modes],
        mode_extra_bytes=form.mode_extra_bytes[modes],
        demand_first=_firsts(form.demand_first[modes + 1] - form.demand_first[modes]),
        demand_resource=form.demand_resource[demands],
        demand_amount=form.demand_amount[demands],
        machine_memory_bytes=np.full_like(form.machine_memory_bytes, NEVER_US),
        machine_exclusive=np.where(lanes, form.machine_exclusive, 0).astype(np.int32),
        resource_capacity=_left(plan, kept),
        **_graph(form, kept),
    )


def _setups_us(plan: Plan, parts: _WindowMasks, modes: Ops) -> NDArray[np.int64]:
    """Setup per mode; 0 if its machine keeps the session from before the window."""
    form = plan.form
    setup_us = form.mode_setup_us[modes]
    if not (setup_us[form.machine_keeps[form.mode_machine[modes]] != 0] > 0).any():
        return setup_us
    # One number per pair of machine and family.
    kept = form.mode_machine.astype(np.int64) * (int(form.mode_family.max()) + 1) + form.mode_family
    kept[form.machine_keeps[form.mode_machine] == 0] = -1
    before = ~parts.movable & (plan.solution.start_us < parts.first_us)
    known = np.setdiff1d(kept[plan.solution.mode[before]], [-1])
    return np.where(np.isin(kept[modes], known), 0, setup_us)


def _firsts(counts: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int32)


def _graph(form: Arrays, kept: Ops) -> dict[str, Any]:
    """Edges between operations that are kept, and their order."""
    number = np.full(len(form.state), -1, np.int32)
    number[kept] = np.arange(len(kept))
    rows = _spans(form.source_first, kept)
    lengths = (form.source_first[kept + 1] - form.source_first[kept]).astype(np.intp)
    target = np.repeat(np.arange(len(kept), dtype=np.int32), lengths)
    source = number[form.source_op[rows]]
    inside = source >= 0
    source, target, edges = source[inside], target[inside], form.source_edge[rows[inside]]
    by_source = np.argsort(source, kind="stable")
    return {
        "source_first": _firsts(np.bincount(target, minlength=len(kept)).astype(np.int32)),
        "source_op": source,
        "source_edge": np.arange(len(source), dtype=np.int32),
        "target_first": _firsts(np.bincount(source, minlength=len(kept)).astype(np.int32)),
        "target_op": target[by_source],
        "target_edge": by_source.astype(np.int32),
        "edge_us": form.edge_us[edges],
        "order": number[form.order[number[form.order] >= 0]],
    }


def _left(plan: Plan, kept: Ops) -> NDArray[np.int64]:
    """Capacities of resources; budgets less the demands of all operations outside."""
    form = plan.form
    if form.resource_renewable.all():
        return form.resource_capacity
    outside = np.ones(len(form.state), bool)
    outside[kept] = False
    rows = _spans(form.demand_first, plan.solution.mode[outside].astype(np.intp))
    spent = np.zeros(len(form.resource_capacity), np.int64)
    np.add.at(spent, form.demand_resource[rows], form.demand_amount[rows])
    spent[form.resource_renewable != 0] = 0
    return form.resource_capacity - spent


# --- its frame


def _tails(plan: Plan, parts: _WindowMasks, kept: Ops, objective: Objective) -> NDArray[np.int64]:
    """Tails outside of the window, per operation at its end.

    For the makespan, the longest chain. For costs of jobs, the time to the job's present
    completion: an estimate, because the whole is put together again before it counts.
    """
    if objective is Objective.MAKESPAN:
        tail_us = plan.tail_us[kept]
    else:
        tail_us = plan.completion_us[plan.form.job[kept]] - plan.end_us[kept]
    return np.where(parts.after[kept], tail_us, 0)


def _limits(
    plan: Plan, most: int | None, objective: Objective, tails: NDArray[np.int64], small: Arrays
) -> tuple[NDArray[np.int64], int]:
    """Latest end per operation of the window, and the horizon."""
    horizon_us = max(int(margins.horizon(small)), int(plan.end_us.max(initial=0)))
    if objective is Objective.MAKESPAN and most is not None:
        return most - tails, horizon_us
    return np.full(len(tails), horizon_us, np.int64), horizon_us


def _chains(plan: Plan, parts: _WindowMasks, kept: Ops) -> dict[int, list[int]]:
    """Fixed operations of the window by machine, in their order."""
    number = {int(i): j for j, i in enumerate(kept)}
    fixed = parts.movable & ~parts.free & parts.lanes[plan.machine]
    chains: dict[int, list[int]] = {}
    for i in plan.sequence[fixed[plan.sequence]].tolist():
        machine = int(plan.machine[i])
        if plan.form.machine_exclusive[machine]:
            chains.setdefault(machine, []).append(number[i])
    return chains
