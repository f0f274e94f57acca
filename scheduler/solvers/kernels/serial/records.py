"""The form of a problem as a few arrays of records, which the sequence searches take.

A tuple of fifty arrays costs more to pass to a function, and to compile into its callers, than most
functions compute. Here all fields of an operation, a mode or a machine lie side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scheduler.solvers.kernels.compiling import kernel
from scheduler.solvers.kernels.ordering import history

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Int, Long

Records = np.recarray[Any, Any]

_OPEN, _RUNNING, _ENDED = 0, 1, 2


def record(longs: str, ints: str) -> np.dtype[Any]:
    """Type of a record of 64-bit and 32-bit integers."""
    fields: list[tuple[str, type]] = [(name, np.int64) for name in longs.split()]
    return np.dtype(fields + [(name, np.int32) for name in ints.split()], align=True)


OPERATION = record(
    "earliest_us frozen_start_us frozen_end_us shortest_us tail_us",
    "state job group mode_first mode_last source_first source_last target_first target_last",
)
"""`shortest_us` is its least duration, zero once it has started; `tail_us` the least time from
its end to the end of the schedule."""
MODE = record(
    "us setup_us p95_us energy_uj resident_bytes extra_bytes",
    "machine device_number family demand_first demand_last",
)
MACHINE = record(
    "memory_bytes free_us", "device_number exclusive keeps family window_first window_last"
)
"""`free_us` is the end of all started operations there, at the earliest now."""
WINDOW = record("start_us end_us", "")
SOURCE = record("", "op edge")
DEMAND = record("amount", "resource")
RESOURCE = record("capacity", "renewable")
JOB = record("due_us deadline_us weight", "")


class Rows(NamedTuple):
    """`Arrays` as records; the columns are described there.

    Ranges of rows are ``x_first`` up to ``x_last``; each mode holds its device.

    Parameters
    ----------
    history
        Operations that are not open, see `ordering.history`.
    """

    now_us: int
    op: Records
    mode: Records
    machine: Records
    window: Records
    source: Records
    target_op: Int
    demand: Records
    resource: Records
    job: Records
    order: Int
    history: Int
    link_latency_us: Long
    link_rate: Int
    edge_us: Long


def rows_of(form: Arrays) -> Rows:
    """Turn a form into records."""
    return Rows(
        now_us=form.now_us,
        op=_operations(form),
        mode=_modes(form),
        machine=_machines(form),
        window=_records(
            WINDOW,
            len(form.window_start_us),
            start_us=form.window_start_us,
            end_us=form.window_end_us,
        ),
        source=_records(SOURCE, len(form.source_op), op=form.source_op, edge=form.source_edge),
        target_op=form.target_op,
        demand=_records(
            DEMAND,
            len(form.demand_amount),
            amount=form.demand_amount,
            resource=form.demand_resource,
        ),
        resource=_records(
            RESOURCE,
            len(form.resource_capacity),
            capacity=form.resource_capacity,
            renewable=form.resource_renewable,
        ),
        job=_records(
            JOB,
            len(form.job_due_us),
            due_us=form.job_due_us,
            deadline_us=form.job_deadline_us,
            weight=form.job_weight,
        ),
        order=form.order,
        history=history(form.state, form.frozen_start_us, form.frozen_end_us),
        link_latency_us=form.link_latency_us,
        link_rate=form.link_rate,
        edge_us=form.edge_us,
    )


def _machines(form: Arrays) -> Records:
    return _records(
        MACHINE,
        len(form.machine_device),
        memory_bytes=form.machine_memory_bytes,
        free_us=_free_us(form),
        device_number=form.machine_device,
        exclusive=form.machine_exclusive,
        keeps=form.machine_keeps,
        family=form.machine_family,
        **_ranges("window", form.window_first),
    )


def _free_us(form: Arrays) -> Long:
    free_us = np.full(len(form.machine_device), form.now_us, np.int64)
    begun = np.flatnonzero((form.state == _RUNNING) | (form.state == _ENDED))
    machine = form.mode_machine[form.mode_first[begun]]
    np.maximum.at(free_us, machine, form.frozen_end_us[begun])
    return free_us


def _operations(form: Arrays) -> Records:
    n = len(form.state)
    shortest_us = _shortest_us(form)
    return _records(
        OPERATION,
        n,
        earliest_us=form.earliest_us,
        frozen_start_us=form.frozen_start_us,
        frozen_end_us=form.frozen_end_us,
        shortest_us=shortest_us,
        tail_us=least_tails(form.order, form.target_first, form.target_op, shortest_us),
        state=form.state,
        job=form.job,
        group=form.group,
        **_ranges("mode", form.mode_first),
        **_ranges("source", form.source_first),
        **_ranges("target", form.target_first),
    )


def _modes(form: Arrays) -> Records:
    return _records(
        MODE,
        len(form.mode_us),
        us=form.mode_us,
        setup_us=form.mode_setup_us,
        p95_us=form.mode_p95_us,
        energy_uj=form.mode_energy_uj,
        resident_bytes=form.mode_resident_bytes,
        extra_bytes=form.mode_extra_bytes,
        machine=form.mode_machine,
        device_number=form.machine_device[form.mode_machine],
        family=form.mode_family,
        **_ranges("demand", form.demand_first),
    )


def _records(dtype: np.dtype[Any], count: int, **columns: Int | Long) -> Records:
    found = np.zeros(count, dtype).view(np.recarray)
    for name, column in columns.items():
        found[name] = column
    return found


def _ranges(name: str, first: Int) -> dict[str, Int]:
    return {f"{name}_first": first[:-1], f"{name}_last": first[1:]}


def _shortest_us(form: Arrays) -> Long:
    if not len(form.state):
        return np.zeros(0, np.int64)
    least_us: Long = np.minimum.reduceat(form.mode_us, form.mode_first[:-1])
    return np.where(form.state == _OPEN, least_us, 0)


@kernel
def least_tails(order: Int, target_first: Int, target_op: Int, shortest_us: Long) -> Long:
    """Least time from the end of each operation to the end of the schedule, without transfers."""
    tail_us = np.zeros(len(order), np.int64)
    for p in range(len(order) - 1, -1, -1):
        i = order[p]
        for e in range(target_first[i], target_first[i + 1]):
            j = target_op[e]
            tail_us[i] = max(tail_us[i], tail_us[j] + shortest_us[j])
    return tail_us
