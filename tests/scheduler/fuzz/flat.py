"""A problem as plain arrays, for the enumeration alone: solvers have a form of their own.

Times are counted from `Flat.base_us`, so that weights and dates of the epoch can be multiplied.
"""

from __future__ import annotations

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
    base_us = min(
        [problem.now_us, *(o.progress.start_us for o in problem.operations if o.progress)]
    )
    machines = {machine.id: i for i, machine in enumerate(problem.machines)}
    jobs = {job.id: i for i, job in enumerate(problem.jobs)}
    numbers = {operation.id: i for i, operation in enumerate(problem.operations)}
    families = _numbers(
        [
            *(f for machine in problem.machines for f in (machine.family, *machine.kept)),
            *(mode.family for operation in problem.operations for mode in operation.modes),
        ]
    )
    devices = _numbers(machine.device_id for machine in problem.machines)
    groups = _numbers(o.colocation for o in problem.operations)
    rows = [(i, mode) for i, o in enumerate(problem.operations) for mode in o.modes]
    first = np.cumsum([0, *(len(o.modes) for o in problem.operations)])
    windows = [(i, w) for i, machine in enumerate(problem.machines) for w in machine.unavailable]
    return Flat(
        base_us=base_us,
        now_us=problem.now_us - base_us,
        operation_job=_row(jobs[o.job] for o in problem.operations),
        operation_state=_row(map(_state, problem.operations)),
        operation_mode=_row(
            -1 if o.progress is None else first[i] + o.progress.mode
            for i, o in enumerate(problem.operations)
        ),
        operation_start_us=_row(
            0 if o.progress is None else o.progress.start_us - base_us for o in problem.operations
        ),
        operation_end_us=_row(_end_us(problem, o) - base_us for o in problem.operations),
        operation_group=_row(
            groups[o.colocation] if o.colocation else -1 for o in problem.operations
        ),
        mode_operation=_row(i for i, _ in rows),
        mode_machine=_row(machines[mode.machine] for _, mode in rows),
        mode_us=_row(mode.duration_us for _, mode in rows),
        mode_p95_us=_row(
            mode.duration_us if mode.duration_p95_us is None else mode.duration_p95_us
            for _, mode in rows
        ),
        mode_peak=_row(mode.peak_bytes for _, mode in rows),
        mode_energy=_row(mode.energy_uj for _, mode in rows),
        mode_family=_row(families[mode.family] if mode.family else -1 for _, mode in rows),
        mode_setup_us=_row(mode.setup_us for _, mode in rows),
        mode_resident=_row(mode.resident_bytes for _, mode in rows),
        mode_demand=_table(
            [
                [
                    sum(d.amount for d in mode.demands if d.resource == resource.id)
                    for resource in problem.resources
                ]
                for _, mode in rows
            ],
            len(problem.resources),
        ),
        machine_device=_row(devices[machine.device_id] for machine in problem.machines),
        machine_memory=_row(
            NEVER if machine.memory_bytes is None else machine.memory_bytes
            for machine in problem.machines
        ),
        machine_family=_row(
            families[machine.family] if machine.family else -1 for machine in problem.machines
        ),
        machine_keeps=_row(machine.keeps_setups for machine in problem.machines),
        machine_exclusive=_row(machine.exclusive for machine in problem.machines),
        machine_kept=_table(
            [_begins_with(machine, families) for machine in problem.machines], len(families)
        ),
        window_machine=_row(i for i, _ in windows),
        window_start_us=_row(w.start_us - base_us for _, w in windows),
        window_end_us=_row(w.end_us - base_us for _, w in windows),
        job_release_us=_row(job.release_us - base_us for job in problem.jobs),
        job_due_us=_row(
            NEVER if job.due_us is None else job.due_us - base_us for job in problem.jobs
        ),
        job_deadline_us=_row(
            NEVER if job.deadline_us is None else job.deadline_us - base_us for job in problem.jobs
        ),
        job_weight=_row(job.weight for job in problem.jobs),
        job_band=_row(job.band for job in problem.jobs),
        resource_capacity=_row(resource.capacity for resource in problem.resources),
        resource_renewable=_row(resource.renewable for resource in problem.resources),
        edge_source=_row(numbers[edge.source] for edge in problem.edges),
        edge_target=_row(numbers[edge.target] for edge in problem.edges),
        edge_us=_travel(problem, devices),
    )


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
