"""The one problem type: jobs of operations with modes, on machines joined by links.

A flexible job shop whose operations form a directed acyclic graph, with communication between
devices. Everything that Fjord places, from a partitioned model to a fleet of pipelines, is one
`Problem`. Times are integers in microseconds from the origin of the problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scheduler.model.errors import InvalidProblem
from scheduler.model.laws import validate
from scheduler.model.machines import Link, Machine, Resource, Window
from scheduler.model.operations import Band, Demand, Edge, Job, Mode, Operation, Progress

__all__ = [
    "Band",
    "Demand",
    "Edge",
    "Job",
    "Link",
    "Machine",
    "Mode",
    "Operation",
    "Problem",
    "Progress",
    "Resource",
    "Window",
]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Work to place and order on machines. Immutable and validated.

    Parameters
    ----------
    links
        If there are none, transfers are free. Otherwise a pair of distinct devices without a link
        is not connected, and an edge cannot run from one to the other.
    now_us
        The present: earliest start of open operations, and latest start or end of history.

    Raises
    ------
    InvalidProblem
        If a law of the model is broken; the message names the field, the law and the value.

    Examples
    --------
    >>> problem = Problem(
    ...     machines=(Machine(id="cpu0"),),
    ...     jobs=(Job(id="frame"),),
    ...     operations=(
    ...         Operation(id="detect", job="frame", modes=(Mode(machine="cpu0", duration_us=5),)),
    ...     ),
    ... )
    >>> problem.operation("detect").modes[0].duration_us
    5
    """

    machines: tuple[Machine, ...]
    jobs: tuple[Job, ...]
    operations: tuple[Operation, ...]
    edges: tuple[Edge, ...] = ()
    links: tuple[Link, ...] = ()
    resources: tuple[Resource, ...] = ()
    now_us: int = 0
    name: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        validate(
            machines=self.machines,
            jobs=self.jobs,
            operations=self.operations,
            edges=self.edges,
            links=self.links,
            resources=self.resources,
            now_us=self.now_us,
        )

    @cached_property
    def _operation_by_id(self) -> dict[str, Operation]:
        return {operation.id: operation for operation in self.operations}

    @cached_property
    def _machine_by_id(self) -> dict[str, Machine]:
        return {machine.id: machine for machine in self.machines}

    @cached_property
    def _job_by_id(self) -> dict[str, Job]:
        return {job.id: job for job in self.jobs}

    @cached_property
    def _link_by_pair(self) -> dict[tuple[str, str], Link]:
        return {(link.source, link.target): link for link in self.links}

    @cached_property
    def _edges_in(self) -> dict[str, tuple[Edge, ...]]:
        return _group(self.edges, "target")

    @cached_property
    def _edges_out(self) -> dict[str, tuple[Edge, ...]]:
        return _group(self.edges, "source")

    def operation(self, operation_id: str) -> Operation:
        """Operation of that id."""
        return self._operation_by_id[operation_id]

    def machine(self, machine_id: str) -> Machine:
        """Machine of that id."""
        return self._machine_by_id[machine_id]

    def job(self, job_id: str) -> Job:
        """Job of that id."""
        return self._job_by_id[job_id]

    def edges_in(self, operation_id: str) -> tuple[Edge, ...]:
        """Edges that end in the operation."""
        return self._edges_in.get(operation_id, ())

    def edges_out(self, operation_id: str) -> tuple[Edge, ...]:
        """Edges that start in the operation."""
        return self._edges_out.get(operation_id, ())

    def connected(self, source_device: str, target_device: str) -> bool:
        """True if data can go from one device to the other."""
        return (
            not self.links
            or source_device == target_device
            or (source_device, target_device) in self._link_by_pair
        )

    def transfer_us(self, edge: Edge, source_device: str, target_device: str) -> int:
        """Time to move the bytes of an edge, in microseconds; zero on one and the same device.

        Raises
        ------
        InvalidProblem
            If the two devices are not connected.
        """
        if not self.links or source_device == target_device:
            return 0
        link = self._link_by_pair.get((source_device, target_device))
        if link is None:
            raise InvalidProblem(
                f"links must connect {source_device!r} to {target_device!r}; got no such link",
                field="links",
            )
        if not link.bandwidth_bytes_per_s:
            return link.latency_us
        # Rounded up, because a transfer never takes less time than its bytes need.
        return link.latency_us - (-edge.size_bytes * 1_000_000 // link.bandwidth_bytes_per_s)

    def topological_order(self) -> Iterator[Operation]:
        """Operations, each after its predecessors; ties in the order of the problem."""
        waiting = {op.id: len(self.edges_in(op.id)) for op in self.operations}
        ready = [op for op in self.operations if not waiting[op.id]]
        for operation in ready:
            yield operation
            for edge in self.edges_out(operation.id):
                waiting[edge.target] -= 1
                if not waiting[edge.target]:
                    ready.append(self.operation(edge.target))


def _group(edges: tuple[Edge, ...], end: str) -> dict[str, tuple[Edge, ...]]:
    grouped: dict[str, list[Edge]] = {}
    for edge in edges:
        grouped.setdefault(getattr(edge, end), []).append(edge)
    return {operation: tuple(found) for operation, found in grouped.items()}
