"""The machines of an agent as its state sees them: a queue for each, and the running operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scheduler.model.links import Transfer
from scheduler.model.messages import Dispatch, FailureReason, MachineReport, Value, WorkKind

Identity = tuple[str, int]
PYTHON = "python"


@dataclass(slots=True)
class QueuedOperation:
    """An operation that waits for its turn.

    Parameters
    ----------
    inputs
        All of them, inline or on this box; ``None`` while one is missing.
    is_fetching
        True while they are under way from other boxes.
    transfers
        Transfers that brought them here.
    """

    dispatch: Dispatch
    inputs: dict[str, Value] | None = None
    is_fetching: bool = False
    transfers: tuple[Transfer, ...] = ()

    @property
    def identity(self) -> Identity:
        """Operation and attempt."""
        return self.dispatch.operation, self.dispatch.attempt

    @property
    def needs_model(self) -> bool:
        """True if a model's file must be here before it starts."""
        return self.dispatch.work.kind is not WorkKind.FUNCTION


@dataclass(slots=True)
class RunningOperation:
    """The operation that the worker executes.

    Parameters
    ----------
    kill_at_us
        Moment at which the worker is ended if it still runs; ``None`` for never.
    ending
        Reason of its stop, and of its failure to come.
    transfers
        Transfers that brought its inputs here.
    """

    dispatch: Dispatch
    started_us: int
    kill_at_us: int | None
    ending: FailureReason | None = None
    transfers: tuple[Transfer, ...] = ()

    @property
    def identity(self) -> Identity:
        """Operation and attempt."""
        return self.dispatch.operation, self.dispatch.attempt

    def left_us(self, at_us: int) -> int:
        """Time that it should still take; an overdue one is expected to take half as long again."""
        spent_us = at_us - self.started_us
        left_us = self.dispatch.expected_us - spent_us
        return left_us if left_us > 0 else spent_us // 2


@dataclass(slots=True)
class Lane:
    """A machine's queue and its worker.

    Parameters
    ----------
    is_ready
        True while the worker is alive and set up.
    is_ending
        True while the worker is being ended: nothing starts there until the next one is ready.
    is_restarting
        True while a new one is being started after an end that the controller was told of.
    is_down
        True after the controller was told that the machine is down.
    warmed
        Digest and provider of the last session that was asked for ahead of time.
    opens_us
        Moment at which an operation that waits for more urgent work may start by itself.
    """

    report: MachineReport
    is_ready: bool = False
    is_ending: bool = False
    is_restarting: bool = False
    is_down: bool = False
    queue: list[QueuedOperation] = field(default_factory=list)
    running: RunningOperation | None = None
    warmed: tuple[str, str] = ("", "")
    opens_us: int | None = None

    def terminates(self, provider: str) -> bool:
        """True if a running inference of this provider can be stopped."""
        return any(p.provider == provider and p.terminates for p in self.report.providers)


class Lanes:
    """The machines of an agent, by id; an operation is in one place of them at most."""

    def __init__(self, machines: Iterable[MachineReport]) -> None:
        self._lanes = {machine.id: Lane(machine) for machine in machines}

    def __getitem__(self, machine: str) -> Lane:
        return self._lanes[machine]

    def __contains__(self, machine: str) -> bool:
        return machine in self._lanes

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def waiting(self) -> list[QueuedOperation]:
        """Queued operations, machine by machine, in order."""
        return [queued for lane in self for queued in lane.queue]

    def find(self, identity: Identity) -> QueuedOperation | None:
        """Queued operation of that identity, if there is one."""
        return next((queued for queued in self.waiting() if queued.identity == identity), None)

    def running(self) -> Iterator[RunningOperation]:
        """Running operations of all machines."""
        return (lane.running for lane in self if lane.running)

    def empty_queues(self) -> None:
        """Forget all queued operations."""
        for lane in self:
            lane.queue = []

    def remove(self, queued: QueuedOperation) -> None:
        """Take an operation out of the queue that it is in."""
        for lane in self:
            if queued in lane.queue:
                lane.queue.remove(queued)

    def violations(self) -> list[str]:
        """Broken invariants, one sentence each; empty if all hold."""
        identities = [queued.identity for queued in self.waiting()]
        identities += [running.identity for running in self.running()]
        found = ["an attempt is in two places"] if len(set(identities)) != len(identities) else []
        return found + [
            f"{lane.report.id} runs without a worker"
            for lane in self
            if lane.running and not lane.is_ready
        ]
