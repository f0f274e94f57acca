"""Constraints of machines: no overlap, windows, setups, memory, orders that are kept."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

from ortools.sat.python import cp_model
from ortools.sat.python.cp_model_helper import Literal

from scheduler.solvers.arrays import OPEN, PLANNED
from scheduler.solvers.exact.cp_model import Interval, Linear, Model
from scheduler.solvers.exact.cp_setups import Visit, add_kept_setups, add_setups

Span = tuple[int, int]


def rows_by_machine(model: Model) -> list[list[tuple[int, int]]]:
    """Per machine, the operations that may run there, each with its mode."""
    rows: list[list[tuple[int, int]]] = [[] for _ in model.form.machine_device]
    for i in model.open:
        for k in model.frame.modes[i]:
            rows[model.mode_machine[k]].append((i, k))
    return rows


def add_orders(model: Model) -> None:
    """Keep the orders of the frame: of each pair, the first ends before the second starts."""
    for before, after in model.frame.orders:
        model.cp.add(model.start(after) >= model.end(before))


def _frozen_on(model: Model, machine: int) -> list[int]:
    """Operations on a machine that have started, or are pinned, in order of start."""
    form = model.form
    found = [
        i
        for i, state in enumerate(model.state)
        if state != OPEN and model.mode_machine[int(form.mode_first[i])] == machine
    ]
    return sorted(found, key=lambda i: (model.frozen_start_us[i], model.frozen_end_us[i], i))


def add_no_overlap(model: Model, machine: int, row: list[tuple[int, int]]) -> None:
    """Let operations, setups, windows and running work exclude each other."""
    frozen = _frozen_on(model, machine)
    chain = model.frame.chains.get(machine, [])
    for before, after in itertools.pairwise(chain):
        model.cp.add(model.start(after) >= model.end(before))
    spans = _windows(model, machine)
    spans += [(model.frozen_start_us[i], model.frozen_end_us[i]) for i in frozen]
    taken = [model.fixed_interval(*span) for span in _merged(spans, model.base_us)]
    lane = [model.intervals[k] for _, k in row] + taken
    setups = _setups(model, machine, row, frozen)
    if len(chain) == len(row) and not taken and not setups:
        return
    if len(lane) > 1:
        model.cp.add_no_overlap(lane + setups)


def _windows(model: Model, machine: int) -> list[Span]:
    first, last = model.form.window_first[machine : machine + 2].tolist()
    starts_us = model.form.window_start_us[first:last].tolist()
    return list(zip(starts_us, model.form.window_end_us[first:last].tolist(), strict=True))


def _merged(spans: Iterable[Span], base_us: int) -> list[Span]:
    """Disjoint spans, counted from the base, without earlier time; spans of history may overlap."""
    merged: list[Span] = []
    for start_us, end_us in sorted(spans):
        first_us, last_us = max(start_us - base_us, 0), end_us - base_us
        if merged and first_us < merged[-1][1]:
            first_us, last_us = merged[-1][0], max(merged.pop()[1], last_us)
        if last_us > first_us:
            merged.append((first_us, last_us))
    return merged


def add_windows(model: Model, machine: int, row: list[tuple[int, int]]) -> None:
    """Keep every operation out of the windows of a machine that runs several at once."""
    spans = _merged(_windows(model, machine), model.base_us)
    if not spans:
        return
    for i, k in row:
        taken = [(start_us - model.mode_us[k] + 1, end_us - 1) for start_us, end_us in spans]
        allowed = cp_model.Domain.from_intervals(taken).complement()
        inside = model.cp.add_linear_expression_in_domain(model.starts[i], allowed)
        inside.only_enforce_if(model.present[k])


# --- setups


def _setups(
    model: Model, machine: int, row: list[tuple[int, int]], frozen: list[int]
) -> list[Interval]:
    """Setups on a machine, as intervals; none where all that can run there is of one family."""
    form = model.form
    if form.machine_keeps[machine]:
        return _kept_setups(model, row, frozen)
    begun = [i for i in frozen if model.frozen_start_us[i] <= form.now_us]
    pinned = [i for i in frozen if model.frozen_start_us[i] > form.now_us]
    loaded = int(form.machine_family[machine])
    if begun:
        loaded = int(form.mode_family[form.mode_first[begun[-1]]])
    visits = [_visit(model, i, k, model.present[k]) for i, k in row]
    visits += [_visit(model, i, int(form.mode_first[i]), model.always) for i in pinned]
    families = {loaded} | {visit.family for visit in visits}
    if len(families) == 1 or all(visit.setup_us == 0 for visit in visits):
        return []
    chain = model.frame.chains.get(machine, [])
    order = {i: place for place, i in enumerate(chain)}
    now_us = form.now_us - model.base_us
    return add_setups(model, visits, loaded=loaded, now_us=now_us, order=order)


def _kept_setups(model: Model, row: list[tuple[int, int]], frozen: list[int]) -> list[Interval]:
    """Setups on a machine that keeps them, before the first operation of each absent family."""
    form = model.form
    # No movable operation starts before the base, so pinned ones there come first.
    begun = [i for i in frozen if model.frozen_start_us[i] <= model.base_us]
    loaded = {int(form.mode_family[form.mode_first[i]]) for i in begun}
    pinned = [(i, int(form.mode_first[i])) for i in frozen if i not in begun]
    visits = [_visit(model, i, k, model.present[k]) for i, k in row]
    # The setup of a pinned operation is a window, or over.
    visits += [replace(_visit(model, i, k, model.always), setup_us=0) for i, k in pinned]
    visits = [visit for visit in visits if visit.family not in loaded]
    return add_kept_setups(model, visits, now_us=form.now_us - model.base_us)


def _visit(model: Model, i: int, k: int, literal: Literal) -> Visit:
    return Visit(
        operation=i,
        start=model.start(i),
        end=model.end(i),
        present=literal,
        family=int(model.form.mode_family[k]),
        setup_us=int(model.form.mode_setup_us[k]),
    )


# --- memory


def add_memory(model: Model, machine: int, row: list[tuple[int, int]]) -> None:
    """Sessions stay resident, one per family; the largest peak comes on top of them."""
    form, limit = model.form, int(model.form.machine_memory_bytes[machine])
    modes = [(k, model.present[k]) for _, k in row]
    frozen = _frozen_on(model, machine)
    planned = [(int(form.mode_first[i]), model.always) for i in frozen if _is_planned(model, i)]
    judged = [*modes, *planned]
    peak = _largest(model, [(int(form.mode_extra_bytes[k]), literal) for k, literal in judged])
    modes += [(int(form.mode_first[i]), model.always) for i in frozen]
    resident: list[Linear] = []
    families: dict[int, list[tuple[int, Literal]]] = {}
    for k, literal in modes:
        if form.mode_family[k]:
            families.setdefault(int(form.mode_family[k]), []).append((k, literal))
        else:
            resident.append(int(form.mode_resident_bytes[k]) * literal)
    for found in families.values():
        needs = [(int(form.mode_resident_bytes[k]), literal) for k, literal in found]
        resident.append(_largest(model, needs))
    # Started operations may hold more memory than there is. They stay, but nothing may join them.
    within = model.cp.add(sum(resident) + peak <= limit)
    joined = model.cp.new_bool_var("")
    for _, k in row:
        model.cp.add_implication(model.present[k], joined)
    within.only_enforce_if(joined)


def _is_planned(model: Model, i: int) -> bool:
    """True if a more urgent band has placed the operation, which has not begun."""
    return model.state[i] == PLANNED


def _largest(model: Model, needs: list[tuple[int, Literal]]) -> Linear:
    """Expression that is at least the largest need among present modes."""
    largest = max(need for need, _ in needs)
    if largest == 0:
        return 0
    if len({need for need, _ in needs}) == 1:
        used = model.cp.new_bool_var("")
        for _, literal in needs:
            model.cp.add_implication(literal, used)
        return largest * used
    found = model.cp.new_int_var(0, largest, "")
    for need, literal in needs:
        if need:
            model.cp.add(found >= need).only_enforce_if(literal)
    return found
