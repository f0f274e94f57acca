"""The array form of large problems, straight from arrays, without an object per operation."""

from __future__ import annotations

from typing import Any, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

from scheduler.model.errors import InvalidProblem
from scheduler.solvers.arrays import NEVER_US, Arrays, Int, Long
from scheduler.solvers.kernels.ordering import inherited_bands, rows, topological

_COLUMNS = get_type_hints(Arrays)


class Modes(NamedTuple):
    """Modes of all operations, grouped by operation.

    Parameters
    ----------
    first
        Modes of operation ``i`` are the positions ``first[i] .. first[i + 1]``.
    machine, duration_us
        Per mode.
    """

    first: Int
    machine: Int
    duration_us: Long


def modes_from_table(duration_us: NDArray[Any], machine_kind: NDArray[Any] | None = None) -> Modes:
    """Modes from a table of durations, of operations on machines or on kinds of machines.

    Parameters
    ----------
    duration_us
        ``[operation, column]``; 0 if there is no such mode.
    machine_kind
        Column of each machine; by default there is one machine for each column.
    """
    if machine_kind is not None:
        duration_us = duration_us[:, machine_kind]
    exists = duration_us > 0
    count, columns = duration_us.shape
    first = _firsts(exists.sum(axis=1))
    if exists.all():
        machine = np.tile(np.arange(columns, dtype=np.int32), count)
    else:
        machine = np.nonzero(exists)[1].astype(np.int32)
        duration_us = duration_us[exists]
    return Modes(first, machine, np.ascontiguousarray(duration_us, np.int64).reshape(-1))


def build(
    modes: Modes,
    *,
    machines: int,
    sources: NDArray[Any] | None = None,
    targets: NDArray[Any] | None = None,
    release_us: NDArray[Any] | None = None,
    **columns: Any,
) -> Arrays:
    """Array form of a problem; anything not given has a plain default.

    By default all operations belong to one job, each machine is a device of its own, and transfers
    are free.

    Parameters
    ----------
    sources, targets
        Per edge, the operations that it joins.
    release_us
        Per job, the earliest start of its operations.
    columns
        Any other column of `Arrays`. `edge_us` may have a single column, which then counts between
        all devices.

    Raises
    ------
    InvalidProblem
        If edges form a cycle, or a number names no operation, machine or job: compiled code would
        read beyond its arrays.

    Examples
    --------
    >>> form = build(
    ...     modes_from_table(np.array([[3, 5], [4, 0]])),
    ...     machines=2, sources=np.array([0]), targets=np.array([1]),
    ... )
    >>> form.mode_machine.tolist(), form.mode_us.tolist()
    ([0, 1, 0], [3, 5, 4])
    """
    count = len(modes.first) - 1
    given: dict[str, Any] = dict(columns)
    given |= _graph(count, sources, targets)
    job_band = np.asarray(given.setdefault("job_band", _zeros(_jobs(given))), np.int32)
    job = np.asarray(given.setdefault("job", _zeros(count)), np.int32)
    _expect_numbers("job", job, len(job_band))
    _expect_numbers("modes.machine", modes.machine, machines)
    now_us = int(given.setdefault("now_us", 0))
    own_us = np.full(count, now_us) if release_us is None else np.asarray(release_us)[job]
    given |= {
        "band": inherited_bands(
            job_band[job], given["order"], given["target_first"], given["target_op"]
        ),
        "earliest_us": np.maximum(own_us, now_us).astype(np.int64),
    }
    given |= _mode_columns(modes, given)
    devices = int(np.max(given.get("machine_device", machines - 1), initial=-1)) + 1
    given = {**_defaults(count, machines, devices, len(job_band)), **given}
    given["edge_us"], given["link_rate"] = _transfers(given, devices)
    return Arrays(**{name: _typed(name, column) for name, column in given.items()})


def _expect_numbers(name: str, column: Int, count: int) -> None:
    """Refuse a column with a position outside of ``[0, count)``."""
    low, high = int(column.min(initial=0)), int(column.max(initial=-1))
    if low < 0 or high >= count:
        raise InvalidProblem(
            f"{name} must be within 0 and {count - 1}; got {low} to {high}", field=name
        )


def _typed(name: str, column: Any) -> Any:
    if name == "now_us":
        return column
    return np.ascontiguousarray(column, np.int32 if _COLUMNS[name] == Int else np.int64)


def _jobs(given: dict[str, Any]) -> int:
    return int(np.max(given["job"], initial=-1)) + 1 if "job" in given else 1


def _graph(
    count: int, sources: NDArray[Any] | None, targets: NDArray[Any] | None
) -> dict[str, Any]:
    source = np.asarray(() if sources is None else sources, np.int32)
    target = np.asarray(() if targets is None else targets, np.int32)
    _expect_numbers("sources", source, count)
    _expect_numbers("targets", target, count)
    source_first, source_edge = rows(target, count)
    target_first, target_edge = rows(source, count)
    order = topological(source_first, target_first, target[target_edge])
    if len(order) < count:
        left = count - len(order)
        raise InvalidProblem(f"edges must form no cycle; got {left} in one", field="edges")
    return {
        "order": order,
        "source_first": source_first,
        "source_op": source[source_edge],
        "source_edge": source_edge,
        "target_first": target_first,
        "target_op": target[target_edge],
        "target_edge": target_edge,
    }


def _mode_columns(modes: Modes, given: dict[str, Any]) -> dict[str, Any]:
    """Columns of modes; empty ones share one array of zeros, whose pages are never touched."""
    number = len(modes.duration_us)
    positions = np.arange(number, dtype=np.int32)
    nothing = np.zeros(number, np.int64)
    columns = {
        "mode_first": modes.first,
        "mode_index": positions - np.repeat(modes.first[:-1], np.diff(modes.first)),
        "mode_machine": modes.machine,
        "mode_us": modes.duration_us,
        "mode_p95_us": modes.duration_us,
        "mode_family": _zeros(number),
        "mode_setup_us": nothing,
        "mode_energy_uj": nothing,
        "mode_resident_bytes": nothing,
        "mode_extra_bytes": nothing,
        "demand_first": _zeros(number + 1),
        "demand_resource": _zeros(0),
        "demand_amount": np.zeros(0, np.int64),
    }
    return {**columns, **{name: given[name] for name in columns if name in given}}


def _defaults(count: int, machines: int, devices: int, jobs: int) -> dict[str, Any]:
    return {
        "state": _zeros(count),
        "frozen_start_us": np.zeros(count, np.int64),
        "frozen_end_us": np.zeros(count, np.int64),
        "group": np.full(count, -1, np.int32),
        "machine_device": np.arange(machines, dtype=np.int32),
        "machine_memory_bytes": np.full(machines, NEVER_US),
        "machine_family": _zeros(machines),
        "machine_exclusive": np.ones(machines, np.int32),
        "machine_keeps": _zeros(machines),
        "window_first": _zeros(machines + 1),
        "window_start_us": np.zeros(0, np.int64),
        "window_end_us": np.zeros(0, np.int64),
        "link_latency_us": np.zeros((devices, devices), np.int64),
        "job_due_us": np.full(jobs, NEVER_US),
        "job_deadline_us": np.full(jobs, NEVER_US),
        "job_weight": np.ones(jobs, np.int64),
        "resource_capacity": np.zeros(0, np.int64),
        "resource_renewable": _zeros(0),
    }


def _transfers(given: dict[str, Any], devices: int) -> tuple[Long, Int]:
    """Times of edges with a free first column, and the column that counts per pair of devices."""
    edges = len(given["source_op"])
    edge_us = np.asarray(given.get("edge_us", np.zeros((edges, 1))), np.int64)
    if edge_us.ndim == 2:
        return edge_us, np.asarray(given.get("link_rate", np.zeros((devices, devices))), np.int32)
    table = np.zeros((edges, 2), np.int64)
    table[:, 1] = edge_us
    return table, np.asarray(given.get("link_rate", np.ones((devices, devices))), np.int32)


def _zeros(count: int) -> Int:
    return np.zeros(count, np.int32)


def _firsts(lengths: NDArray[Any]) -> Int:
    first = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=first[1:])
    return first
