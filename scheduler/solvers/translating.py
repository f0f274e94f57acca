"""Translation of a problem into arrays for solvers, and of their solution into a schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.model.errors import InvalidProblem
from scheduler.model.fields import MAX_INTEGER
from scheduler.model.problem import Mode, Operation, Problem
from scheduler.model.schedule import Schedule, placed
from scheduler.solvers.arrays import ENDED, NEVER_US, OPEN, RUNNING, Arrays, Int, Long, Solution
from scheduler.solvers.kernels.ordering import inherited_bands, rows, topological
from scheduler.solvers.mode_rows import (
    ENERGY_UJ,
    FAMILY,
    MACHINE,
    P95_US,
    PEAK_BYTES,
    RESIDENT_BYTES,
    SETUP_US,
    US,
    ModeRows,
)

_MODE_ROWS = ModeRows()


def arrays(problem: Problem, pause: Callable[[], None] = lambda: None) -> Arrays:
    """Turn a problem into its array form.

    Parameters
    ----------
    pause
        Called between pieces of the work, some milliseconds apart; an exception from it ends it.
    """
    return _Builder(problem, pause).arrays()


class _Builder:
    """Builder of an array form, column by column and fast, because re-planning waits for it."""

    def __init__(self, problem: Problem, pause: Callable[[], None]) -> None:
        self.problem, self.pause = problem, pause
        self.machines = _numbers(machine.id for machine in problem.machines)
        self.devices = _numbers(machine.device_id for machine in problem.machines)
        self.jobs = _numbers(job.id for job in problem.jobs)
        self.operations = _numbers(operation.id for operation in problem.operations)
        self.groups = _numbers(o.colocation for o in problem.operations if o.colocation)
        self.table = _MODE_ROWS.table(problem.operations, pause)
        named = [name for one in problem.machines for name in (one.family, *one.kept)]
        self.families = _numbers(["", *named, *self.table.families()])

    def arrays(self) -> Arrays:
        problem, count = self.problem, len(self.problem.operations)
        job = _int([self.jobs[operation.job] for operation in problem.operations])
        sources = _int([self.operations[edge.source] for edge in problem.edges])
        targets = _int([self.operations[edge.target] for edge in problem.edges])
        source_first, source_edge = rows(targets, count)
        target_first, target_edge = rows(sources, count)
        target_op = targets[target_edge]
        order = topological(source_first, target_first, target_op)
        job_band = _int([one.band for one in problem.jobs])
        release_us = _long([one.release_us for one in problem.jobs])
        rates, link_latency_us, link_rate = self._links()
        state, frozen_start_us, frozen_end_us = self._progress()
        machine_memory_bytes = _long([_or_never(m.memory_bytes) for m in problem.machines])
        resource_capacity = _long([resource.capacity for resource in problem.resources])
        return Arrays(
            now_us=problem.now_us,
            state=state,
            frozen_start_us=frozen_start_us,
            frozen_end_us=frozen_end_us,
            job=job,
            group=_int([self.groups.get(o.colocation, -1) for o in problem.operations]),
            band=inherited_bands(job_band[job], order, target_first, target_op),
            earliest_us=np.maximum(release_us[job], problem.now_us),
            order=order,
            **self._modes(state, machine_memory_bytes, resource_capacity),
            machine_memory_bytes=machine_memory_bytes,
            **self._machines(),
            source_first=source_first,
            source_op=sources[source_edge],
            source_edge=source_edge,
            target_first=target_first,
            target_op=target_op,
            target_edge=target_edge,
            edge_us=self._edge_us(rates),
            link_latency_us=link_latency_us,
            link_rate=link_rate,
            job_due_us=_long([_or_never(one.due_us) for one in problem.jobs]),
            job_deadline_us=_long([_or_never(one.deadline_us) for one in problem.jobs]),
            job_weight=_long([one.weight for one in problem.jobs]),
            job_band=job_band,
            resource_capacity=resource_capacity,
            resource_renewable=_int([resource.renewable for resource in problem.resources]),
        )

    def _machines(self) -> dict[str, Any]:
        """Columns of the machines and their windows, without their memory."""
        machines = self.problem.machines
        windows = [window for machine in machines for window in machine.unavailable]
        return {
            "machine_device": _int([self.devices[m.device_id] for m in machines]),
            "machine_family": _int([self.families[m.family] for m in machines]),
            "machine_exclusive": _int([m.exclusive for m in machines]),
            "machine_keeps": _int([m.keeps_setups for m in machines]),
            "window_first": _firsts([len(m.unavailable) for m in machines]),
            "window_start_us": _long([window.start_us for window in windows]),
            "window_end_us": _long([window.end_us for window in windows]),
        }

    def _modes(self, state: Int, memory_bytes: Long, capacity: Long) -> dict[str, Any]:
        """Columns of the modes that memory and budgets allow an operation by itself."""
        self.pause()
        lengths, rows = self.table.lengths, self.table.rows
        first = _firsts(lengths)
        index = np.arange(first[-1], dtype=np.int32) - np.repeat(first[:-1], lengths)
        for i in np.flatnonzero(state != OPEN).tolist():
            progress = self.problem.operations[i].progress
            index[first[i]] = 0 if progress is None else progress.mode
        machine = self.table.numbered(MACHINE, self.machines).astype(np.int32)
        family = self.table.numbered(FAMILY, self.families).astype(np.int32)
        demand_first, demand_resource, demand_amount = self._demands()
        self.pause()
        owner = np.repeat(np.arange(len(machine)), np.diff(demand_first))
        needed_bytes = np.maximum(rows[:, RESIDENT_BYTES], rows[:, PEAK_BYTES])
        usable = needed_bytes <= memory_bytes[machine]
        usable[owner[demand_amount > capacity[demand_resource]]] = False
        usable |= np.repeat(state != OPEN, lengths)
        kept = np.concatenate(([0], np.cumsum(usable)))
        # Mostly all modes are allowed, and nothing needs to be gathered.
        these = slice(None) if usable.all() else usable
        columns = rows[these].T.copy()
        self.pause()
        if columns[SETUP_US].any():
            columns[SETUP_US][self._is_kept(machine[these], family[these])] = 0
        return {
            "mode_first": kept[first].astype(np.int32),
            "mode_index": index[these],
            "mode_machine": machine[these],
            "mode_us": columns[US],
            "mode_p95_us": columns[P95_US],
            "mode_family": family[these],
            "mode_setup_us": columns[SETUP_US],
            "mode_energy_uj": columns[ENERGY_UJ],
            "mode_resident_bytes": columns[RESIDENT_BYTES],
            "mode_extra_bytes": (needed_bytes - rows[:, RESIDENT_BYTES])[these],
            "demand_first": _firsts(np.diff(demand_first)[these]),
            "demand_resource": demand_resource[usable[owner]],
            "demand_amount": demand_amount[usable[owner]],
        }

    def _is_kept(self, machine: Int, family: Int) -> NDArray[np.bool_]:
        """Per mode, true if its machine keeps setups and begins with this one."""
        kept = np.zeros((len(self.problem.machines), len(self.families)), np.bool_)
        for m, one in enumerate(self.problem.machines):
            if one.keeps_setups:
                kept[m, [self.families[name] for name in (one.family, *one.kept)]] = True
        is_kept: NDArray[np.bool_] = kept[machine, family]
        return is_kept

    def _demands(self) -> tuple[Int, Int, Long]:
        if not self.problem.resources:
            none = np.zeros(len(self.table.rows) + 1, np.int32)
            return none, np.zeros(0, np.int32), np.zeros(0, np.int64)
        modes = [mode for operation in self.problem.operations for mode in _open_modes(operation)]
        numbers = _numbers(resource.id for resource in self.problem.resources)
        # A demand of 0 is left out, because it can be met even by an overdrawn resource.
        rows = [[demand for demand in mode.demands if demand.amount] for mode in modes]
        demands = [demand for row in rows for demand in row]
        return (
            _firsts([len(row) for row in rows]),
            _int([numbers[demand.resource] for demand in demands]),
            _long([demand.amount for demand in demands]),
        )

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
        """Distinct bandwidths; per pair of devices, the latency and the number of the bandwidth."""
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
        sizes = [edge.size_bytes for edge in self.problem.edges]
        for column, rate in enumerate(rates):
            if rate:
                # Rounded up, in Python's integers: the product can exceed 64 bits.
                times_us = [-(-size * 1_000_000 // rate) for size in sizes]
                _expect_transfers(times_us, rate)
                table[:, column] = times_us
        return table


def _expect_transfers(times_us: Sequence[int], rate: int) -> None:
    """Refuse a transfer that takes longer than the largest valid time."""
    longest_us = max(times_us, default=0)
    if longest_us > MAX_INTEGER:
        field = f"edges[{times_us.index(longest_us)}].size_bytes"
        law = f"must take at most {MAX_INTEGER} us at {rate} bytes per s"
        raise InvalidProblem(f"{field} {law}; got {longest_us}", field=field)


def schedule_of(problem: Problem, form: Arrays, solution: Solution, origin_us: int = 0) -> Schedule:
    """Turn a solution into a schedule of its problem.

    Parameters
    ----------
    origin_us
        Origin of the times of form and solution, in the times of the problem.
    """
    operations = problem.operations
    indices = form.mode_index[solution.mode].tolist()
    machines = [machine.id for machine in problem.machines]
    return placed(
        operations=[operation.id for operation in operations],
        modes=indices,
        machines=[machines[m] for m in form.mode_machine[solution.mode].tolist()],
        starts_us=(solution.start_us + origin_us).tolist(),
        ends_us=(ends(form, solution) + origin_us).tolist(),
    )


def solution_of(problem: Problem, form: Arrays, schedule: Schedule) -> Solution:
    """Turn a schedule of the problem into arrays. Every mode it uses must be in the form."""
    placed = [schedule[operation.id] for operation in problem.operations]
    position = {
        (i, int(form.mode_index[k])): k
        for i in range(len(placed))
        for k in range(form.mode_first[i], form.mode_first[i + 1])
    }
    return Solution(
        mode=_int([position[i, assignment.mode] for i, assignment in enumerate(placed)]),
        start_us=_long([assignment.start_us for assignment in placed]),
    )


def ends(form: Arrays, solution: Solution) -> Long:
    """End of each operation."""
    planned_us: Long = solution.start_us + form.mode_us[solution.mode]
    return np.where(form.state == OPEN, planned_us, form.frozen_end_us)


def _numbers(ids: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(ids))}


def _or_never(value: int | None) -> int:
    return NEVER_US if value is None else value


def _open_modes(operation: Operation) -> tuple[Mode, ...]:
    """Modes to choose from; a started operation has only the one it runs in."""
    if operation.progress is None:
        return operation.modes
    return (operation.modes[operation.progress.mode],)


def _int(values: Sequence[int]) -> Int:
    return np.array(values, np.int32)


def _long(values: Sequence[int]) -> Long:
    return np.array(values, np.int64)


def _firsts(lengths: Sequence[int] | Int) -> Int:
    first = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=first[1:])
    return first
