"""The one problem type: jobs of operations with modes, on machines joined by links.

A flexible job shop whose operations form a directed acyclic graph, with communication between
devices. Everything that Fjord places, from a partitioned model to a fleet of pipelines, is one
`Problem`. Times are integers in microseconds from the origin of the problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any

from scheduler.model.errors import InvalidProblem


def require(condition: bool, field_name: str, law: str, got: object) -> None:
    """Raise `InvalidProblem` that names the field, the law and what came, unless the law holds."""
    if not condition:
        raise InvalidProblem(f"{field_name} {law}; got {got!r}", field=field_name)


class Band(IntEnum):
    """Priority band. A lower number is strictly more urgent; bands never trade with each other."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    BACKGROUND = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Half-open span of time ``[start_us, end_us)`` in which a machine runs nothing."""

    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A lane that runs one operation at a time.

    Parameters
    ----------
    device
        Machines of one device share its memory: a transfer between them costs nothing.
        Defaults to the machine itself.
    memory_bytes
        Memory for resident sessions and activations; ``None`` if it is not limited.
    unavailable
        Windows in which nothing may run, in ascending order, without overlap.
    family
        Family of the session that is loaded before the first operation; empty for none.
    exclusive
        Whether it runs one operation at a time. Otherwise only resources limit how many run at
        once, as on a host whose cores are a resource; such a machine needs no setups.
    """

    id: str
    device: str = ""
    memory_bytes: int | None = None
    unavailable: tuple[Window, ...] = ()
    family: str = ""
    exclusive: bool = True

    @property
    def device_id(self) -> str:
        """Device that this machine is a lane of."""
        return self.device or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something that modes take a share of, next to their machine: cores, power, a budget.

    Parameters
    ----------
    capacity
        At no moment do running operations demand more in sum. Of a budget (`renewable` is false),
        all operations of the schedule together demand no more, those that have ended included.
    """

    id: str
    capacity: int
    renewable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """How much of a resource a mode takes while it runs, or of a budget for good."""

    resource: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One way to run an operation: on which machine, for how long, in how much memory.

    Parameters
    ----------
    duration_us
        Median wall time with a warm session, in microseconds. At least 1. Makespan uses it.
    duration_p95_us
        The 95th percentile, at least `duration_us`; deadlines use it. ``None`` means the same.
    peak_bytes
        Most device memory held at any moment, weights included.
    energy_uj
        Energy of one execution, in microjoules.
    provider, variant
        What else identifies the mode; the solver does not look at them.
    family, setup_us
        Which session it needs, and how long the machine loads it if the operation before it there
        (or what the machine begins with) is of another family. The machine does nothing else
        meanwhile, and does not begin before `Problem.now_us`; inputs need not be there yet.
    resident_bytes
        Memory of its machine that the session holds for as long as the schedule lasts, once per
        family; an operation without a family holds its own.
    demands
        Shares of resources, each named at most once.
    """

    machine: str
    duration_us: int
    duration_p95_us: int | None = None
    provider: str = ""
    variant: str = ""
    peak_bytes: int = 0
    energy_uj: int = 0
    family: str = ""
    setup_us: int = 0
    resident_bytes: int = 0
    demands: tuple[Demand, ...] = ()

    @property
    def p95_us(self) -> int:
        """The 95th percentile of the duration, in microseconds."""
        return self.duration_us if self.duration_p95_us is None else self.duration_p95_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where an operation that has started stands: it keeps its mode and its start.

    Parameters
    ----------
    mode
        Index of the mode it runs in.
    end_us
        When it ended; ``None`` while it runs. A running operation is expected to end at
        ``max(start_us + duration_us, Problem.now_us)``.
    """

    mode: int
    start_us: int
    end_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Smallest unit placed on one machine and never interrupted.

    Parameters
    ----------
    colocation
        Operations of the same non-empty group run on the same device.
    progress
        Set once the operation has started; it is then frozen.
    """

    id: str
    job: str
    modes: tuple[Mode, ...]
    colocation: str = ""
    progress: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Precedence from `source` to `target`, with the bytes that flow along it."""

    source: str
    target: str
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One direction of the connection between two distinct devices.

    Parameters
    ----------
    bandwidth_bytes_per_s
        Sustained rate; 0 means that only the latency counts.
    """

    source: str
    target: str
    latency_us: int = 0
    bandwidth_bytes_per_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request for an answer: a release, a due date, a deadline, a band and a weight.

    Parameters
    ----------
    release_us
        Earliest start of any of its operations.
    due_us
        Finishing later is penalised: ``weight`` per microsecond of tardiness.
    deadline_us
        Finishing later is infeasible.
    """

    id: str
    release_us: int = 0
    due_us: int | None = None
    deadline_us: int | None = None
    band: Band = Band.NORMAL
    weight: int = 1


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is to be placed and ordered, on which machines. Immutable and validated.

    Parameters
    ----------
    links
        If there are none, transfers are free. Otherwise a pair of distinct devices without a link
        is not connected, and an edge cannot run from one to the other.
    now_us
        Earliest start of anything that has not started yet.

    Raises
    ------
    InvalidProblem
        If a law of the model is broken; the message names the field, the law and what came.

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
        # Imported here because the laws are written in terms of the types above.
        from scheduler.model.laws import validate

        validate(self)

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
        """Whether data can go from one device to the other."""
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
        # Rounded up: a transfer never takes less than its bytes need.
        return link.latency_us - (-edge.size_bytes * 1_000_000 // link.bandwidth_bytes_per_s)

    def topological_order(self) -> Iterator[Operation]:
        """Operations, each after all that precede it; ties in the order of the problem."""
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
