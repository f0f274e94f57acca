"""A problem as plain arrays, for the enumeration alone: solvers have a form of their own.

Times are counted from `Flat.base_us`, so that weights and dates of the epoch can be multiplied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.model.problem import Machine, Operation, Problem

Int = NDArray[np.int64]
NEVER = 2**61
"""A date that nothing reaches, and still far from where 64 bits end."""
OPEN, RUNNING, ENDED = 0, 1, 2


class Flat(NamedTuple):
    """Rows of operations, modes, machines, jobs, resources and edges; -1 stands for none."""

    base_us: int
    now_us: int
    operation_job: Int
    operation_state: Int
    operation_mode: Int
    operation_start_us: Int
    operation_end_us: Int
    operation_group: Int
    mode_operation: Int
    mode_machine: Int
    mode_us: Int
    mode_p95_us: Int
    mode_peak: Int
    mode_energy: Int
    mode_family: Int
    mode_setup_us: Int
    mode_resident: Int
    mode_demand: Int  # modes x resources
    machine_device: Int
    machine_memory: Int
    machine_family: Int
    machine_keeps: Int
    machine_exclusive: Int
    machine_kept: Int  # machines x families
    window_machine: Int
    window_start_us: Int
    window_end_us: Int
    job_release_us: Int
    job_due_us: Int
    job_deadline_us: Int
    job_weight: Int
    job_band: Int
    resource_capacity: Int
    resource_renewable: Int
    edge_source: Int
    edge_target: Int
    edge_us: Int  # edges x devices x devices; -1 where nothing goes


def flat(problem: Problem) -> Flat:
    """Number everything in the order of the problem."""
    begun = (o.progress.start_us for o in problem.operations if o.progress)
    base_us = min([problem.now_us, *begun])
    devices = _numbers(machine.device_id for machine in problem.machines)
    families = _numbers(
        [
            *(f for machine in problem.machines for f in (machine.family, *machine.kept)),
            *(mode.family for operation in problem.operations for mode in operation.modes),
        ]
    )
    return Flat(
        base_us=base_us,
        now_us=problem.now_us - base_us,
        **_operations(problem, base_us),
        **_modes(problem, families),
        **_machines(problem, devices, families, base_us),
        **_jobs(problem, base_us),
        resource_capacity=_row(resource.capacity for resource in problem.resources),
        resource_renewable=_row(resource.renewable for resource in problem.resources),
        **_edges(problem, devices),
    )


def _operations(problem: Problem, base_us: int) -> dict[str, Int]:
    jobs = {job.id: i for i, job in enumerate(problem.jobs)}
    groups = _numbers(o.colocation for o in problem.operations)
    first = np.cumsum([0, *(len(o.modes) for o in problem.operations)])
    begun = [(i, o.progress) for i, o in enumerate(problem.operations)]
    return {
        "operation_job": _row(jobs[o.job] for o in problem.operations),
        "operation_state": _row(map(_state, problem.operations)),
        "operation_mode": _row(-1 if p is None else first[i] + p.mode for i, p in begun),
        "operation_start_us": _row(0 if p is None else p.start_us - base_us for _, p in begun),
        "operation_end_us": _row(_end_us(problem, o) - base_us for o in problem.operations),
        "operation_group": _row(
            groups[o.colocation] if o.colocation else -1 for o in problem.operations
        ),
    }


def _modes(problem: Problem, families: dict[str, int]) -> dict[str, Int]:
    machines = {machine.id: i for i, machine in enumerate(problem.machines)}
    rows = [(i, mode) for i, o in enumerate(problem.operations) for mode in o.modes]
    modes = [mode for _, mode in rows]
    demands = [
        [sum(d.amount for d in m.demands if d.resource == r.id) for r in problem.resources]
        for m in modes
    ]
    return {
        "mode_operation": _row(i for i, _ in rows),
        "mode_machine": _row(machines[m.machine] for m in modes),
        "mode_us": _row(m.duration_us for m in modes),
        "mode_p95_us": _row(
            m.duration_us if m.duration_p95_us is None else m.duration_p95_us for m in modes
        ),
        "mode_peak": _row(m.peak_bytes for m in modes),
        "mode_energy": _row(m.energy_uj for m in modes),
        "mode_family": _row(families[m.family] if m.family else -1 for m in modes),
        "mode_setup_us": _row(m.setup_us for m in modes),
        "mode_resident": _row(m.resident_bytes for m in modes),
        "mode_demand": _table(demands, len(problem.resources)),
    }


def _machines(
    problem: Problem, devices: dict[str, int], families: dict[str, int], base_us: int
) -> dict[str, Int]:
    machines = problem.machines
    windows = [(i, window) for i, m in enumerate(machines) for window in m.unavailable]
    kept = [_begins_with(m, families) for m in machines]
    return {
        "machine_device": _row(devices[m.device_id] for m in machines),
        "machine_memory": _row(
            NEVER if m.memory_bytes is None else m.memory_bytes for m in machines
        ),
        "machine_family": _row(families[m.family] if m.family else -1 for m in machines),
        "machine_keeps": _row(m.keeps_setups for m in machines),
        "machine_exclusive": _row(m.exclusive for m in machines),
        "machine_kept": _table(kept, len(families)),
        "window_machine": _row(i for i, _ in windows),
        "window_start_us": _row(window.start_us - base_us for _, window in windows),
        "window_end_us": _row(window.end_us - base_us for _, window in windows),
    }


def _jobs(problem: Problem, base_us: int) -> dict[str, Int]:
    def dates(given: Iterable[int | None]) -> Int:
        return _row(NEVER if date_us is None else date_us - base_us for date_us in given)

    return {
        "job_release_us": _row(job.release_us - base_us for job in problem.jobs),
        "job_due_us": dates(job.due_us for job in problem.jobs),
        "job_deadline_us": dates(job.deadline_us for job in problem.jobs),
        "job_weight": _row(job.weight for job in problem.jobs),
        "job_band": _row(job.band for job in problem.jobs),
    }


def _edges(problem: Problem, devices: dict[str, int]) -> dict[str, Int]:
    numbers = {operation.id: i for i, operation in enumerate(problem.operations)}
    return {
        "edge_source": _row(numbers[edge.source] for edge in problem.edges),
        "edge_target": _row(numbers[edge.target] for edge in problem.edges),
        "edge_us": _travel(problem, devices),
    }


def _numbers(names: Any) -> dict[str, int]:
    return {name: i for i, name in enumerate(dict.fromkeys(names))}


def _row(values: Any) -> Int:
    return np.array([int(value) for value in values], np.int64)


def _table(rows: list[list[int]], width: int) -> Int:
    return np.array(rows, np.int64).reshape(len(rows), width)


def _state(operation: Operation) -> int:
    if operation.progress is None:
        return OPEN
    return RUNNING if operation.progress.end_us is None else ENDED


def _end_us(problem: Problem, operation: Operation) -> int:
    progress = operation.progress
    if progress is None:
        return problem.now_us
    if progress.end_us is not None:
        return progress.end_us
    return max(progress.start_us + operation.modes[progress.mode].duration_us, problem.now_us)


def _begins_with(machine: Machine, families: dict[str, int]) -> list[int]:
    return [int(name in (machine.family, *machine.kept)) for name in families]


def _travel(problem: Problem, devices: dict[str, int]) -> Int:
    """Per edge and pair of devices, the time its bytes take; -1 where there is no way."""
    ways = {(link.source, link.target): link for link in problem.links}
    found = np.zeros((len(problem.edges), len(devices), len(devices)), np.int64)
    for e, edge in enumerate(problem.edges):
        for here, i in devices.items():
            for there, j in devices.items():
                if not ways or here == there:
                    continue
                link = ways.get((here, there))
                found[e, i, j] = -1 if link is None else link.latency_us
                if link is not None and link.bandwidth_bytes_per_s:
                    # The least whole number of microseconds in which that many bytes pass.
                    moved = edge.size_bytes * 1_000_000
                    found[e, i, j] += (moved + link.bandwidth_bytes_per_s - 1) // (
                        link.bandwidth_bytes_per_s
                    )
    return found
