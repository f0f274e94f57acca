"""A problem in integers: what solvers and bounds compute with, made in one place.

Operations, machines and devices are their positions in the problem, so that no result can depend
on the hash seed or on the spelling of an id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from scheduler.model.problem import Link, Operation, Problem


class Option(NamedTuple):
    """A mode that the machine's memory allows, as positions. `mode` indexes `Operation.modes`."""

    mode: int
    machine: int
    device: int
    duration_us: int


class Frozen(NamedTuple):
    """An operation that has started: its mode, its start and its (expected) end."""

    option: Option
    start_us: int
    end_us: int
    ended: bool


@dataclass(frozen=True, slots=True)
class Indexed:
    """A `Problem` as lists over positions.

    Parameters
    ----------
    options
        Per operation, its usable modes in the order of the problem; may be empty.
    sources, targets
        Per operation, ``(neighbour, bytes)`` of each edge in and out.
    earliest_us
        Per operation, the later of its job's release and the present.
    frozen
        The operations that have started, by position.
    order
        A topological order, ties in the order of the problem.
    links
        ``[source][target]``: ``None`` where the devices are distinct and not connected.
    """

    problem: Problem
    devices: tuple[str, ...]
    machine_devices: list[int]
    options: list[list[Option]]
    sources: list[list[tuple[int, int]]]
    targets: list[list[tuple[int, int]]]
    earliest_us: list[int]
    frozen: dict[int, Frozen]
    order: list[int]
    links: list[list[Link | None]]

    @property
    def free_transfers(self) -> bool:
        """Whether moving data costs nothing anywhere."""
        return not self.problem.links

    @property
    def restricted(self) -> bool:
        """Whether a choice of device can rule out another: colocation, or devices not joined."""
        n = len(self.devices)
        if self.problem.links and len(self.problem.links) < n * (n - 1):
            return True
        return any(operation.colocation for operation in self.problem.operations)

    def transfer_us(self, size_bytes: int, source: int, target: int) -> int | None:
        """Time to move bytes between two devices; ``None`` if they are not connected."""
        if source == target or not self.problem.links:
            return 0
        link = self.links[source][target]
        if link is None:
            return None
        if not link.bandwidth_bytes_per_s:
            return link.latency_us
        return link.latency_us - (-size_bytes * 1_000_000 // link.bandwidth_bytes_per_s)


def indexed(problem: Problem) -> Indexed:
    """Give the integer form of a problem."""
    machines = {machine.id: i for i, machine in enumerate(problem.machines)}
    devices: dict[str, int] = {}
    for machine in problem.machines:
        devices.setdefault(machine.device_id, len(devices))
    machine_devices = [devices[machine.device_id] for machine in problem.machines]
    sources, targets = _neighbours(problem)
    release = {job.id: max(job.release_us, problem.now_us) for job in problem.jobs}
    return Indexed(
        problem=problem,
        devices=tuple(devices),
        machine_devices=machine_devices,
        options=_options(problem, machines, machine_devices),
        sources=sources,
        targets=targets,
        earliest_us=[release[operation.job] for operation in problem.operations],
        frozen=_frozen(problem, machines, machine_devices),
        order=_topological(sources, targets),
        links=_matrix(problem, devices),
    )


def inherited_bands(form: Indexed) -> list[int]:
    """Most urgent band among an operation and all that wait for it.

    What a critical operation waits for is as urgent as that operation itself.
    """
    jobs = {job.id: int(job.band) for job in form.problem.jobs}
    bands = [jobs[operation.job] for operation in form.problem.operations]
    for i in reversed(form.order):
        for target, _ in form.targets[i]:
            if bands[target] < bands[i]:
                bands[i] = bands[target]
    return bands


def _options(
    problem: Problem, machines: dict[str, int], machine_devices: list[int]
) -> list[list[Option]]:
    memories = [machine.memory_bytes for machine in problem.machines]
    options: list[list[Option]] = []
    for operation in problem.operations:
        usable: list[Option] = []
        for j, mode in enumerate(operation.modes):
            machine = machines[mode.machine]
            memory = memories[machine]
            if memory is None or mode.peak_bytes <= memory:
                usable.append(Option(j, machine, machine_devices[machine], mode.duration_us))
        options.append(usable)
    return options


def _neighbours(
    problem: Problem,
) -> tuple[list[list[tuple[int, int]]], list[list[tuple[int, int]]]]:
    index = {operation.id: i for i, operation in enumerate(problem.operations)}
    sources: list[list[tuple[int, int]]] = [[] for _ in index]
    targets: list[list[tuple[int, int]]] = [[] for _ in index]
    for edge in problem.edges:
        source, target = index[edge.source], index[edge.target]
        sources[target].append((source, edge.size_bytes))
        targets[source].append((target, edge.size_bytes))
    return sources, targets


def _topological(
    sources: list[list[tuple[int, int]]], targets: list[list[tuple[int, int]]]
) -> list[int]:
    waiting = [len(found) for found in sources]
    ready = [i for i, count in enumerate(waiting) if not count]
    for i in ready:
        for target, _ in targets[i]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return ready


def _frozen(
    problem: Problem, machines: dict[str, int], machine_devices: list[int]
) -> dict[int, Frozen]:
    return {
        i: _freeze(operation, machines, machine_devices, problem.now_us)
        for i, operation in enumerate(problem.operations)
        if operation.progress is not None
    }


def _freeze(
    operation: Operation, machines: dict[str, int], machine_devices: list[int], now_us: int
) -> Frozen:
    progress = operation.progress
    assert progress is not None
    mode = operation.modes[progress.mode]
    machine = machines[mode.machine]
    option = Option(progress.mode, machine, machine_devices[machine], mode.duration_us)
    if progress.end_us is not None:
        return Frozen(option, progress.start_us, progress.end_us, ended=True)
    expected_us = max(progress.start_us + mode.duration_us, now_us)
    return Frozen(option, progress.start_us, expected_us, ended=False)


def _matrix(problem: Problem, devices: dict[str, int]) -> list[list[Link | None]]:
    matrix: list[list[Link | None]] = [[None] * len(devices) for _ in devices]
    for link in problem.links:
        matrix[devices[link.source]][devices[link.target]] = link
    return matrix
