"""A part of a form: some of the operations, some of them fixed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.arrays import NEVER_US, OPEN, PLANNED, Arrays, Int, Long, Solution

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Part:
    """A form of some operations of a whole.

    Parameters
    ----------
    operations, modes
        Per operation, and per mode, of the part, its position in the whole.
    """

    form: Arrays
    operations: Int
    modes: Int

    def of(self, whole: Solution) -> Solution:
        """Cut the part out of a whole plan. Fixed operations must be in their fixed mode."""
        mode = np.searchsorted(self.modes, whole.mode[self.operations]).astype(np.int32)
        return Solution(mode, whole.start_us[self.operations].copy())

    def into(self, whole: Solution, part: Solution) -> None:
        """Write the plan of the part into that of the whole."""
        whole.mode[self.operations] = self.modes[part.mode]
        whole.start_us[self.operations] = part.start_us


def restricted(whole: Arrays, inside: Mask, fixed: Mask, plan: Solution) -> Part:
    """Part with the operations `inside`; those that are `fixed` become `PLANNED`.

    A fixed operation holds its machine and its resources from start to end. If an insertion right
    before it could cause or repeat its setup, the gap there is closed; if setups are kept, only the
    time of its setup is.
    """
    operations = np.flatnonzero(inside).astype(np.int32)
    number, joined = _numbers(inside), _joined(whole, inside)
    owner = np.repeat(np.arange(len(inside)), np.diff(whole.mode_first))
    kept = inside[owner] & (~fixed[owner] | (np.arange(len(owner)) == plan.mode[owner]))
    modes = np.flatnonzero(kept).astype(np.int32)
    planned_us = plan.start_us + whole.mode_us[plan.mode] if fixed.any() else plan.start_us
    window_first, window_start_us, window_end_us = _windows(whole, fixed, plan)
    form = whole._replace(
        state=np.where(fixed, PLANNED, whole.state)[operations].astype(np.int32),
        frozen_start_us=np.where(fixed, plan.start_us, whole.frozen_start_us)[operations],
        frozen_end_us=np.where(fixed, planned_us, whole.frozen_end_us)[operations],
        job=whole.job[operations],
        group=whole.group[operations],
        band=whole.band[operations],
        earliest_us=whole.earliest_us[operations],
        order=number[whole.order[inside[whole.order]]],
        mode_first=_firsts(number[owner[modes]], len(operations)),
        window_first=window_first,
        window_start_us=window_start_us,
        window_end_us=window_end_us,
        **_modes(whole, modes),
        **_demands(whole, kept),
        edge_us=whole.edge_us[joined],
        **_edges(whole, inside, joined, "source"),
        **_edges(whole, inside, joined, "target"),
    )
    return Part(form, operations, modes)


_PER_MODE = (
    "mode_index",
    "mode_machine",
    "mode_us",
    "mode_p95_us",
    "mode_family",
    "mode_setup_us",
    "mode_energy_uj",
    "mode_resident_bytes",
    "mode_extra_bytes",
)


def _modes(whole: Arrays, modes: Int) -> dict[str, Any]:
    return {name: getattr(whole, name)[modes] for name in _PER_MODE}


def _numbers(inside: Mask) -> Int:
    return (np.cumsum(inside) - 1).astype(np.int32)


def _firsts(owner: NDArray[np.integer[Any]], count: int) -> Int:
    lengths = np.bincount(owner, minlength=count)
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)


def _demands(whole: Arrays, kept: Mask) -> dict[str, Any]:
    owner = np.repeat(np.arange(len(kept)), np.diff(whole.demand_first))
    chosen = kept[owner]
    return {
        "demand_first": _firsts(_numbers(kept)[owner[chosen]], int(kept.sum())),
        "demand_resource": whole.demand_resource[chosen],
        "demand_amount": whole.demand_amount[chosen],
    }


def _joined(whole: Arrays, inside: Mask) -> Mask:
    """Mask of edges with both ends inside."""
    target = np.repeat(np.arange(len(inside)), np.diff(whole.source_first))
    joined = np.zeros(len(whole.edge_us), np.bool_)
    joined[whole.source_edge] = inside[target] & inside[whole.source_op]
    return joined


def _edges(whole: Arrays, inside: Mask, joined: Mask, end: str) -> dict[str, Any]:
    first, other, edge = (getattr(whole, f"{end}_{column}") for column in ("first", "op", "edge"))
    owner = np.repeat(np.arange(len(inside)), np.diff(first))
    chosen, number = joined[edge], _numbers(inside)
    return {
        f"{end}_first": _firsts(number[owner[chosen]], int(inside.sum())),
        f"{end}_op": number[other[chosen]],
        f"{end}_edge": _numbers(joined)[edge[chosen]],
    }


def _windows(whole: Arrays, fixed: Mask, plan: Solution) -> tuple[Int, Long, Long]:
    """Windows of all machines, with the gaps before operations whose setup depends on them."""
    first, start_us, end_us = whole.window_first, whole.window_start_us, whole.window_end_us
    if not fixed.any() or not (whole.mode_setup_us[plan.mode[fixed]] > 0).any():
        return first, start_us, end_us
    rows: list[list[tuple[int, int]]] = []
    for machine in range(len(first) - 1):
        row = slice(first[machine], first[machine + 1])
        spans = list(zip(start_us[row].tolist(), end_us[row].tolist(), strict=True))
        if whole.machine_exclusive[machine]:
            spans = _united([*spans, *_gaps(whole, fixed, plan, machine)])
        rows.append(spans)
    counts = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    united = np.array([span for row in rows for span in row], np.int64).reshape(-1, 2)
    return _firsts(counts, len(rows)), united[:, 0].copy(), united[:, 1].copy()


def _gaps(whole: Arrays, fixed: Mask, plan: Solution, machine: int) -> Iterable[tuple[int, int]]:
    placed = fixed | (whole.state != OPEN)
    here = np.flatnonzero(placed & (whole.mode_machine[plan.mode] == machine))
    free_us, loaded = whole.now_us, set[int]()
    keeps = bool(whole.machine_keeps[machine])
    for i in here[np.argsort(plan.start_us[here], kind="stable")]:
        start_us, mode = int(plan.start_us[i]), plan.mode[i]
        setup_us = int(whole.mode_setup_us[mode])
        is_kept = keeps and int(whole.mode_family[mode]) in loaded
        if fixed[i] and setup_us > 0 and start_us > free_us and not is_kept:
            yield (start_us - setup_us if keeps else free_us), start_us
        loaded.add(int(whole.mode_family[mode]))
        end_us = start_us + whole.mode_us[mode] if fixed[i] else whole.frozen_end_us[i]
        free_us = max(free_us, int(end_us))


def _united(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ordered and disjoint spans that cover the same time."""
    united: list[tuple[int, int]] = []
    for start_us, end_us in sorted(spans):
        if united and start_us < united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end_us))
        else:
            united.append((start_us, end_us))
    return united


def narrowed(whole: Arrays, kept: Mask) -> Part:
    """Part with all operations, and only the modes that are `kept`."""
    count = len(whole.state)
    owner = np.repeat(np.arange(count), np.diff(whole.mode_first))
    modes = np.flatnonzero(kept).astype(np.int32)
    form = whole._replace(
        mode_first=_firsts(owner[modes], count), **_modes(whole, modes), **_demands(whole, kept)
    )
    return Part(form, np.arange(count, dtype=np.int32), modes)


def spares_setups(form: Arrays, inside: Mask) -> bool:
    """True if an operation left out could spare one `inside` its setup.

    It does so by running before it on the same machine with the same family. A plan of the
    operations inside is then no relaxation of the whole: proofs of one do not hold for the other.
    """
    is_inside = np.repeat(inside, np.diff(form.mode_first))
    place = form.mode_machine.astype(np.int64) * (form.mode_family.max() + 2) + form.mode_family
    return bool(np.isin(place[is_inside & (form.mode_setup_us > 0)], place[~is_inside]).any())


def for_band(form: Arrays, band: int) -> Arrays:
    """Leave out due dates, deadlines, weights and energies of the jobs of all other bands."""
    other = form.job_band != band
    owner = np.repeat(form.job, np.diff(form.mode_first))
    return form._replace(
        mode_energy_uj=np.where(other[owner], 0, form.mode_energy_uj),
        job_due_us=np.where(other, NEVER_US, form.job_due_us),
        job_weight=np.where(other, 0, form.job_weight),
        job_deadline_us=np.where(other, NEVER_US, form.job_deadline_us),
    )
