"""The agent's workers, one a machine: instructions become messages, and messages become events."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol

from devices.agent.brain import events
from devices.agent.brain.instructions import (
    AdmitCalls,
    CancelOnWorker,
    KillWorker,
    LeaseGrant,
    StartOnWorker,
    UnloadModel,
    WarmOnWorker,
)
from devices.agent.shell.nursery_client import NurseryClient
from devices.agent.shell.watch import ContentionWatch
from devices.agent.shell.worker_process import WorkerLane
from devices.calls.places import door_path
from devices.tensors import TensorStore
from devices.worker.protocol import (
    Admit,
    CallsServed,
    Cancel,
    Execute,
    ExecuteFailed,
    ExecuteFinished,
    FromWorker,
    Grant,
    Setup,
    Unload,
    Warm,
)
from scheduler.model.messages import MachineReport

log = logging.getLogger(__name__)


class Clock(Protocol):
    """The site's time, in microseconds."""

    def now_us(self) -> int:
        """Now."""
        ...

    def at_us(self, monotonic_us: int) -> int:
        """At a moment of this computer's monotonic clock."""
        ...


class Crew:
    """Worker processes, and the messages between them and the agent's state.

    Parameters
    ----------
    machines
        Each gets a worker.
    feed
        Called with each event.
    settle
        Called with a machine whose worker has started, before that is an event.
    worker_bytes
        Most memory that a worker may hold, but for those of graphics cards; 0 for no limit.
    """

    def __init__(
        self,
        machines: Sequence[MachineReport],
        store: TensorStore,
        clock: Clock,
        *,
        feed: Callable[[events.Event], None],
        settle: Callable[[str], None],
        worker_bytes: int = 0,
    ) -> None:
        self._worker_bytes = worker_bytes
        self._nursery = NurseryClient()
        self.lanes = {machine.id: self._lane(machine, store) for machine in machines}
        self._watch = ContentionWatch(self.lanes, machines)
        self._root = store.root
        self._clock = clock
        self._feed = feed
        self._settle = settle

    def duties(self) -> Iterable[Coroutine[Any, Any, None]]:
        """Coroutines that keep the workers alive and watch the box, each until cancelled."""
        return [self._watch.run(), *(lane.run() for lane in self.lanes.values())]

    async def close(self) -> None:
        """End the workers that are left once the duties have ended."""
        await self._nursery.close()

    def start(self, instruction: StartOnWorker) -> None:
        """Have an operation run."""
        dispatch = instruction.dispatch
        self.lanes[dispatch.machine].send(
            Execute(
                operation=dispatch.operation,
                attempt=dispatch.attempt,
                run=dispatch.run,
                provider=dispatch.provider,
                work=dispatch.work,
                inputs=instruction.inputs,
                model_path=instruction.model_path,
                hides_nan=dispatch.hides_nan,
            )
        )

    def warm(self, instruction: WarmOnWorker) -> None:
        """Have a session made that will be needed."""
        dispatch = instruction.dispatch
        self.lanes[dispatch.machine].send(
            Warm(
                digest=dispatch.work.digest,
                provider=dispatch.provider,
                model_path=instruction.model_path,
            )
        )

    def admit(self, instruction: AdmitCalls) -> None:
        """Have calls taken under these leases and no others."""
        machine = instruction.machine
        self.lanes[machine].send(
            Admit(
                path=str(door_path(self._root, machine)),
                grants=tuple(self._grant(each) for each in instruction.grants),
            )
        )

    def unload(self, instruction: UnloadModel) -> None:
        """Have the sessions of a model dropped, once running operations are done."""
        for lane in self.lanes.values():
            lane.send(Unload(digest=instruction.digest))

    def cancel(self, instruction: CancelOnWorker) -> None:
        """Ask a worker to stop a running operation."""
        message = Cancel(operation=instruction.operation, attempt=instruction.attempt)
        self.lanes[instruction.machine].send(message)

    def kill(self, instruction: KillWorker) -> None:
        """End a worker; the next one comes by itself."""
        self.lanes[instruction.machine].kill(instruction.reason)

    def _lane(self, machine: MachineReport, store: TensorStore) -> WorkerLane:
        setup = Setup(
            machine=machine.id,
            tensor_root=str(store.root),
            box=store.box,
            url=store.url,
            inline_bytes=store.inline_bytes,
            memory_bytes=0 if machine.device_class == "gpu" else self._worker_bytes,
            has_functions=bool(machine.functions),
            has_models=bool(machine.providers),
        )
        return WorkerLane(
            machine, setup, self._nursery, on_message=self._on_message, on_death=self._on_death
        )

    def _grant(self, given: LeaseGrant) -> Grant:
        lease = given.lease
        left_us = lease.until_us - self._clock.now_us()
        return Grant(
            lease=lease.id,
            epoch=lease.epoch,
            digest=lease.digest,
            provider=given.place.provider,
            model_path=given.model_path,
            until_us=time.monotonic_ns() // 1_000 + left_us,
            share=given.place.share,
            is_paused=given.is_paused,
            hides_nan=given.place.hides_nan,
            timeout_us=given.place.timeout_us,
        )

    def _on_message(self, machine: str, message: FromWorker) -> None:
        match message:
            case ExecuteFinished():
                event = self._finished(machine, message)
            case CallsServed():
                event = self._served(machine, message)
            case ExecuteFailed():
                event = events.WorkerFailedOperation(
                    at_us=self._clock.now_us(),
                    machine=machine,
                    operation=message.operation,
                    attempt=message.attempt,
                    reason=message.reason,
                    message=message.message,
                )
            case _:
                event = events.WorkerReady(at_us=self._clock.now_us(), machine=machine)
                self._settle(machine)
        self._feed(event)

    def _finished(self, machine: str, message: ExecuteFinished) -> events.Event:
        return events.WorkerFinishedOperation(
            at_us=self._clock.at_us(message.ended_us),
            machine=machine,
            operation=message.operation,
            attempt=message.attempt,
            started_us=self._clock.at_us(message.started_us),
            compute_us=message.compute_us,
            load_us=message.load_us,
            outputs=message.outputs,
            profile=message.profile,
            load=self._watch.load(machine, message.started_us, message.pace_ns),
        )

    def _served(self, machine: str, message: CallsServed) -> events.Event:
        return events.WorkerServedCalls(
            at_us=self._clock.at_us(message.until_us),
            machine=machine,
            lease=message.lease,
            since_us=self._clock.at_us(message.since_us),
            done=message.done,
            failed=message.failed,
            refused=message.refused,
            late=message.late,
            busy_us=message.busy_us,
            p50_us=message.p50_us,
            p95_us=message.p95_us,
            waited_us=message.waited_us,
            revocation_us=message.revocation_us,
            load_us=message.load_us,
        )

    def _on_death(self, machine: str, reason: str) -> None:
        log.warning("%s", reason)
        self._feed(events.WorkerDied(at_us=self._clock.now_us(), machine=machine, reason=reason))
