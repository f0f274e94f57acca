"""A problem in arrays: the one form that solvers compute with, made in one place.

Operations, machines, devices and jobs are their positions in the problem, so that no result can
depend on the hash seed or on the spelling of an id. Compiled kernels take `Arrays` as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.model.problem import Mode, Operation, Problem
from scheduler.model.schedule import Assignment, Schedule
from scheduler.solvers.kernels.ordering import inherited_bands, rows, topological

Int = NDArray[np.int32]
Long = NDArray[np.int64]

NEVER_US = 2**62
"""Stands for no due date, no deadline, no limit; sums with any valid time fit 64 bits."""
OPEN, RUNNING, ENDED = 0, 1, 2
"""Values of `Arrays.state`."""


class Arrays(NamedTuple):
    """A `Problem` as arrays over positions. Rows of unequal length are in compressed form.

    The row of ``i`` in ``x`` is ``x[x_first[i]:x_first[i + 1]]``. All times are microseconds from
    the origin of the problem.

    Parameters
    ----------
    state, frozen_start_us, frozen_end_us
        Per operation, `OPEN`, `RUNNING` or `ENDED`; a started one has one mode only, the one it
        runs in, and its (expected) end.
    job, group, band
        Per operation: its job; its colocation group or -1; the most urgent band among it and all
        that wait for it.
    earliest_us
        Per operation, the later of its job's release and the present.
    order
        A topological order, ties in the order of the problem.
    mode_first
        Modes of operation ``i`` are the positions ``mode_first[i] .. mode_first[i + 1]`` of the
        arrays ``mode_*``. Those that no memory or budget allows are left out: there may be none.
    mode_index
        Position in `Operation.modes`.
    mode_family
        Family of the session; 0 is the empty one.
    mode_extra_bytes
        What the mode needs at its peak beyond what stays resident.
    demand_first, demand_resource, demand_amount
        Demands per mode.
    source_first, source_op, source_edge
        Per operation, where its edges come from. `target_*` likewise.
    edge_us
        ``[edge, rate]``: time of the edge's bytes at each distinct bandwidth; column 0 is zero.
    link_latency_us, link_rate
        ``[device, device]``: latency, -1 where two devices are not connected; column of `edge_us`.
    window_first, window_start_us, window_end_us
        Per machine, when it is unavailable.
    """

    now_us: int
    # operations
    state: Int
    frozen_start_us: Long
    frozen_end_us: Long
    job: Int
    group: Int
    band: Int
    earliest_us: Long
    order: Int
    # modes
    mode_first: Int
    mode_index: Int
    mode_machine: Int
    mode_us: Long
    mode_p95_us: Long
    mode_family: Int
    mode_setup_us: Long
    mode_energy_uj: Long
    mode_resident_bytes: Long
    mode_extra_bytes: Long
    demand_first: Int
    demand_resource: Int
    demand_amount: Long
    # machines
    machine_device: Int
    machine_memory_bytes: Long
    machine_family: Int
    machine_exclusive: Int
    window_first: Int
    window_start_us: Long
    window_end_us: Long
    # graph
    source_first: Int
    source_op: Int
    source_edge: Int
    target_first: Int
    target_op: Int
    target_edge: Int
    edge_us: Long
    # links
    link_latency_us: Long
    link_rate: Int
    # jobs
    job_due_us: Long
    job_deadline_us: Long
    job_weight: Long
    job_band: Int
    # resources
    resource_capacity: Long
    resource_renewable: Int


class Solution(NamedTuple):
    """A complete plan: per operation, the position of its mode and its start."""

    mode: Int
    start_us: Long


def arrays(problem: Problem) -> Arrays:
    """Give the array form of a problem."""
    return _Builder(problem).arrays()


class _Builder:
    """Numbers for ids, then column by column."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.machines = _numbers(machine.id for machine in problem.machines)
        self.devices = _numbers(machine.device_id for machine in problem.machines)
        self.jobs = _numbers(job.id for job in problem.jobs)
        self.resources = _numbers(resource.id for resource in problem.resources)
        self.operations = _numbers(operation.id for operation in problem.operations)
        self.groups = _numbers(o.colocation for o in problem.operations if o.colocation)
        named = [machine.family for machine in problem.machines]
        named += [mode.family for o in problem.operations for mode in o.modes if mode.family]
        self.families = _numbers(["", *named])

    def arrays(self) -> Arrays:
        problem, count = self.problem, len(self.problem.operations)
        kept = [list(self._usable(operation)) for operation in problem.operations]
        modes = [mode for usable in kept for _, mode in usable]
        demands = [demand for mode in modes for demand in mode.demands]
        windows = [window for machine in problem.machines for window in machine.unavailable]
        job = _int(self.jobs[operation.job] for operation in problem.operations)
        sources = _int(self.operations[edge.source] for edge in problem.edges)
        targets = _int(self.operations[edge.target] for edge in problem.edges)
        source_first, source_edge = rows(targets, count)
        target_first, target_edge = rows(sources, count)
        target_op = targets[target_edge]
        order = topological(source_first, target_first, target_op)
        job_band = _int(one.band for one in problem.jobs)
        release_us = _long(one.release_us for one in problem.jobs)
        rates, link_latency_us, link_rate = self._links()
        state, frozen_start_us, frozen_end_us = self._progress()
        return Arrays(
            now_us=problem.now_us,
            state=state,
            frozen_start_us=frozen_start_us,
            frozen_end_us=frozen_end_us,
            job=job,
            group=_int(self.groups.get(o.colocation, -1) for o in problem.operations),
            band=inherited_bands(job_band[job], order, target_first, target_op),
            earliest_us=np.maximum(release_us[job], problem.now_us),
            order=order,
            mode_first=_firsts(len(usable) for usable in kept),
            mode_index=_int(index for usable in kept for index, _ in usable),
            mode_machine=_int(self.machines[mode.machine] for mode in modes),
            mode_us=_long(mode.duration_us for mode in modes),
            mode_p95_us=_long(mode.p95_us for mode in modes),
            mode_family=_int(self.families[mode.family] for mode in modes),
            mode_setup_us=_long(mode.setup_us for mode in modes),
            mode_energy_uj=_long(mode.energy_uj for mode in modes),
            mode_resident_bytes=_long(mode.resident_bytes for mode in modes),
            mode_extra_bytes=_long(max(m.peak_bytes - m.resident_bytes, 0) for m in modes),
            demand_first=_firsts(len(mode.demands) for mode in modes),
            demand_resource=_int(self.resources[demand.resource] for demand in demands),
            demand_amount=_long(demand.amount for demand in demands),
            machine_device=_int(self.devices[m.device_id] for m in problem.machines),
            machine_memory_bytes=_long(_or_never(m.memory_bytes) for m in problem.machines),
            machine_family=_int(self.families[m.family] for m in problem.machines),
            machine_exclusive=_int(m.exclusive for m in problem.machines),
            window_first=_firsts(len(m.unavailable) for m in problem.machines),
            window_start_us=_long(window.start_us for window in windows),
            window_end_us=_long(window.end_us for window in windows),
            source_first=source_first,
            source_op=sources[source_edge],
            source_edge=source_edge,
            target_first=target_first,
            target_op=target_op,
            target_edge=target_edge,
            edge_us=self._edge_us(rates),
            link_latency_us=link_latency_us,
            link_rate=link_rate,
            job_due_us=_long(_or_never(one.due_us) for one in problem.jobs),
            job_deadline_us=_long(_or_never(one.deadline_us) for one in problem.jobs),
            job_weight=_long(one.weight for one in problem.jobs),
            job_band=job_band,
            resource_capacity=_long(resource.capacity for resource in problem.resources),
            resource_renewable=_int(resource.renewable for resource in problem.resources),
        )

    def _usable(self, operation: Operation) -> Iterator[tuple[int, Mode]]:
        """Modes that an operation could have by itself; of one that has started, that one."""
        if operation.progress is not None:
            yield operation.progress.mode, operation.modes[operation.progress.mode]
            return
        for index, mode in enumerate(operation.modes):
            memory_bytes = self.problem.machine(mode.machine).memory_bytes
            if memory_bytes is not None and memory_bytes < max(
                mode.peak_bytes, mode.resident_bytes
            ):
                continue
            capacities = (self.problem.resources[self.resources[d.resource]] for d in mode.demands)
            if all(d.amount <= r.capacity for d, r in zip(mode.demands, capacities, strict=True)):
                yield index, mode

    def _progress(self) -> tuple[Int, Long, Long]:
        count = len(self.problem.operations)
        state, start_us = np.zeros(count, np.int32), np.zeros(count, np.int64)
        end_us = np.zeros(count, np.int64)
        for i, operation in enumerate(self.problem.operations):
            progress = operation.progress
            if progress is None:
                continue
            state[i] = RUNNING if progress.end_us is None else ENDED
            start_us[i] = progress.start_us
            expected_us = progress.start_us + operation.modes[progress.mode].duration_us
            expected_us = max(expected_us, self.problem.now_us)
            end_us[i] = expected_us if progress.end_us is None else progress.end_us
        return state, start_us, end_us

    def _links(self) -> tuple[list[int], Long, Int]:
        """Distinct bandwidths, and per pair of devices the latency and which bandwidth it is."""
        count = len(self.devices)
        joined = not self.problem.links
        latency_us = np.full((count, count), 0 if joined else -1, np.int64)
        np.fill_diagonal(latency_us, 0)
        rate = np.zeros((count, count), np.int32)
        rates = {0: 0}
        for link in self.problem.links:
            pair = self.devices[link.source], self.devices[link.target]
            latency_us[pair] = link.latency_us
            rate[pair] = rates.setdefault(link.bandwidth_bytes_per_s, len(rates))
        return list(rates), latency_us, rate

    def _edge_us(self, rates: list[int]) -> Long:
        table = np.zeros((len(self.problem.edges), len(rates)), np.int64)
        for column, rate in enumerate(rates):
            if rate:
                # Rounded up, in Python's integers: the product can exceed 64 bits.
                table[:, column] = [
                    -(-edge.size_bytes * 1_000_000 // rate) for edge in self.problem.edges
                ]
        return table


def schedule_of(problem: Problem, form: Arrays, solution: Solution) -> Schedule:
    """Give a solution in the words of its problem."""
    indices = form.mode_index[solution.mode].tolist()
    starts_us = solution.start_us.tolist()
    ends_us = ends(form, solution).tolist()
    rows = zip(problem.operations, indices, starts_us, ends_us, strict=True)
    return Schedule(
        assignments=tuple(
            Assignment(
                operation=operation.id,
                mode=index,
                machine=operation.modes[index].machine,
                start_us=start_us,
                end_us=end_us,
            )
            for operation, index, start_us, end_us in rows
        )
    )


def solution_of(problem: Problem, form: Arrays, schedule: Schedule) -> Solution:
    """Give a schedule of the problem as arrays. Every mode it uses must be a usable one."""
    placed = [schedule[operation.id] for operation in problem.operations]
    position = {
        (i, int(form.mode_index[k])): k
        for i in range(len(placed))
        for k in range(form.mode_first[i], form.mode_first[i + 1])
    }
    return Solution(
        mode=_int(position[i, assignment.mode] for i, assignment in enumerate(placed)),
        start_us=_long(assignment.start_us for assignment in placed),
    )


def ends(form: Arrays, solution: Solution) -> Long:
    """When each operation ends."""
    planned_us: Long = solution.start_us + form.mode_us[solution.mode]
    return np.where(form.state == OPEN, planned_us, form.frozen_end_us)


def _numbers(ids: Iterable[str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for name in ids:
        numbers.setdefault(name, len(numbers))
    return numbers


def _or_never(value: int | None) -> int:
    return NEVER_US if value is None else value


def _int(values: Iterable[int]) -> Int:
    return np.array(list(values), np.int32)


def _long(values: Iterable[int]) -> Long:
    return np.array(list(values), np.int64)


def _firsts(lengths: Iterable[int]) -> Int:
    return np.concatenate(([0], np.cumsum(list(lengths), dtype=np.int32))).astype(np.int32)
