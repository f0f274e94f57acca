"""The agent's brain: events in, instructions out. No clock, no I/O.

Each machine has a queue whose order the controller chose. Its head starts once the worker is idle
and the inputs are on this box; meanwhile inputs and models of those behind it are fetched. A
machine waits rather than let one overtake another: the plan was made for that order. An operation
that would not end before more urgent work comes has a gate, and is passed while that is shut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from devices.agent.brain import events
from devices.agent.brain.context import RecentRuns
from devices.agent.brain.doors import Doors
from devices.agent.brain.instructions import (
    Exit,
    Instruction,
    MeasureLink,
    ReleaseTensors,
    StartOnWorker,
    UnloadModel,
    WarmOnWorker,
)
from devices.agent.brain.lane import Identity, Lane, Lanes, QueuedOperation, RunningOperation
from devices.agent.brain.memory import RunMemory
from devices.agent.brain.needs import Needs
from devices.agent.brain.outbox import Outbox
from devices.agent.brain.stopping import Stopping
from scheduler.model.errors import InvalidTensor
from scheduler.model.measuring import Load
from scheduler.model.messages import (
    AgentPlan,
    Dispatch,
    FailureReason,
    MachineReport,
    Value,
    WorkKind,
)


class AgentState:
    """Queues, workers, models and outputs of one agent.

    Parameters
    ----------
    box
        Tensors of this box need not be fetched.
    machines
        Those that the agent reported when it joined.
    """

    def __init__(self, agent: str, box: str, machines: Iterable[MachineReport]) -> None:
        self._agent = agent
        self._lanes = Lanes(machines)
        self._recent_runs = RecentRuns(lane.report for lane in self._lanes)
        self._memory = RunMemory()
        self._needs = Needs(box, self._memory)
        self._doors = Doors(self._needs)
        self._epoch = 0
        self._version = -1
        self._is_draining = False
        self._has_left = False
        self._out = Outbox(agent)
        self._stopping = Stopping(self._lanes, self._out)
        self._handlers: dict[type, Callable[[Any], None]] = {
            events.PlanReceived: self._on_plan,
            events.PeerReceived: self._on_peer,
            events.WorkerReady: self._on_worker_ready,
            events.WorkerFinishedOperation: self._on_worker_finished,
            events.WorkerFailedOperation: self._on_worker_failed,
            events.WorkerServedCalls: self._on_worker_served,
            events.WorkerDied: self._on_worker_died,
            events.Fetched: self._on_fetched,
            events.FetchFailed: self._on_fetch_failed,
            events.ModelReady: self._on_model_ready,
            events.ModelFailed: self._on_model_failed,
            events.DrainRequested: self._on_drain_requested,
            events.Rejoined: self._on_rejoined,
            events.Tick: lambda tick: self._stopping.end_overdue(tick.at_us),
        }

    def handle(self, event: events.Event) -> list[Instruction]:
        """Take in an event; gives the instructions that follow from it, in order."""
        self._handlers[type(event)](event)
        for lane in self._lanes:
            self._look_after(lane, event.at_us)
            self._start_head(lane, event.at_us)
            self._out.put(*self._doors.look_after(lane))
        if self._is_draining and not self._has_left and not any(self._lanes.running()):
            self._has_left = True
            self._out.put(Exit())
        return self._out.take()

    @property
    def wake_us(self) -> int | None:
        """Moment at which a `Tick` is due; ``None`` if nothing is being watched."""
        times_us = [self._stopping.wake_us, *(lane.opens_us for lane in self._lanes)]
        return min((at_us for at_us in times_us if at_us is not None), default=None)

    @property
    def is_busy(self) -> bool:
        """True if every machine runs something: nothing waits for the controller's next word."""
        return all(lane.running is not None for lane in self._lanes)

    def violations(self) -> list[str]:
        """Broken invariants, one sentence each; empty if all hold."""
        waiting = self._lanes.waiting()
        found = self._lanes.violations()
        found += [
            f"{e.identity} was taken before" for e in waiting if self._memory.has_taken(e.dispatch)
        ]
        if self._is_draining and waiting:
            found.append("work is queued while draining")
        return found

    # Plans and peers

    def _on_plan(self, event: events.PlanReceived) -> None:
        plan = event.plan
        if (plan.epoch, plan.version) <= (self._epoch, self._version):
            return  # the plan of a controller that was replaced, or one delivered twice
        self._epoch, self._version = plan.epoch, plan.version
        for release in plan.release:
            self._memory.release(release)
            self._out.put(ReleaseTensors(release=release))
        for lane in self._lanes:
            if lane.running and lane.running.identity in plan.stop:
                self._stopping.stop(lane, lane.running, event.at_us)
        self._replace_queues(plan, event.at_us)
        self._doors.hold(() if self._is_draining else plan.leases)
        for digest in plan.unload:
            self._out.put(UnloadModel(digest=digest))
        for ask in plan.measure:
            self._out.put(MeasureLink(ask=ask))

    def _replace_queues(self, plan: AgentPlan, at_us: int) -> None:
        old = {queued.identity: queued for queued in self._lanes.waiting()}
        self._lanes.empty_queues()
        if self._is_draining:
            return
        for machine, dispatches in plan.queues.items():
            for dispatch in dispatches:
                if not self._memory.has_taken(dispatch):
                    self._enqueue(machine, dispatch, old, set(plan.stop), at_us)

    def _enqueue(
        self,
        machine: str,
        dispatch: Dispatch,
        old: Mapping[Identity, QueuedOperation],
        stopped: set[Identity],
        at_us: int,
    ) -> None:
        queued = old.get((dispatch.operation, dispatch.attempt)) or QueuedOperation(dispatch)
        queued.dispatch = dispatch
        if machine not in self._lanes:
            reason = f"agent {self._agent} has no machine {machine!r}"
            self._fail(dispatch, FailureReason.MACHINE_DOWN, reason, at_us)
        elif queued.identity not in stopped:
            self._lanes[machine].queue.append(queued)

    def _on_peer(self, event: events.PeerReceived) -> None:
        peer = event.peer
        self._memory.remember(peer.run, peer.operation, peer.outputs)

    # Workers

    def _on_worker_ready(self, event: events.WorkerReady) -> None:
        lane = self._lanes[event.machine]
        lane.is_ready = True
        self._doors.began_anew(event.machine)
        lane.warmed = ("", "")
        if lane.is_down or lane.is_restarting:
            lane.is_down = lane.is_restarting = False
            self._out.say_up(event.machine, event.at_us)

    def _on_worker_finished(self, event: events.WorkerFinishedOperation) -> None:
        running = self._ended(event.machine, (event.operation, event.attempt), event.at_us)
        if running is None:
            return
        dispatch = running.dispatch
        self._memory.remember(dispatch.run, event.operation, event.outputs)
        self._out.notify_peers(dispatch, event.outputs)
        self._out.say_finished(event, running, self._load(event))
        self._release_again(dispatch.run)

    def _load(self, event: events.WorkerFinishedOperation) -> Load | None:
        if event.load is None:
            return None
        is_cold = event.load_us > 0
        return self._recent_runs.load(
            event.machine, event.at_us, sensed=event.load, is_cold=is_cold
        )

    def _on_worker_failed(self, event: events.WorkerFailedOperation) -> None:
        running = self._ended(event.machine, (event.operation, event.attempt), event.at_us)
        if running is not None:
            self._fail(running.dispatch, event.reason, event.message, event.at_us)

    def _on_worker_served(self, event: events.WorkerServedCalls) -> None:
        found = self._doors.find(event.lease, event.machine)
        if found is not None:
            self._out.say_called(event, *found)

    def _on_worker_died(self, event: events.WorkerDied) -> None:
        lane = self._lanes[event.machine]
        running, lane.running, lane.is_ready = lane.running, None, False
        self._recent_runs.ended(event.machine, event.at_us)
        if running is not None:
            reason = running.ending or FailureReason.WORKER_CRASHED
            self._fail(running.dispatch, reason, event.reason, event.at_us)
        lane.is_restarting, lane.is_ending = lane.is_ending, False
        if lane.is_restarting or not lane.is_down:
            lane.is_down = not lane.is_restarting
            self._say_down(lane, event.reason, event.at_us)

    def _ended(self, machine: str, identity: Identity, at_us: int) -> RunningOperation | None:
        lane = self._lanes[machine]
        running = lane.running
        # Anything else is an answer that was under way when its worker was replaced.
        if running is None or running.identity != identity:
            return None
        lane.running = None
        self._recent_runs.ended(machine, at_us)
        return running

    def _say_down(self, lane: Lane, reason: str, at_us: int) -> None:
        self._out.say_down(lane.report.id, reason, at_us, is_planned=lane.is_restarting)

    def _release_again(self, run: str) -> None:
        """Delete outputs that were written after the run had been released."""
        release = self._memory.released(run)
        if release is not None:
            self._out.put(ReleaseTensors(release=release))

    # Inputs and models

    def _on_fetched(self, event: events.Fetched) -> None:
        queued = self._lanes.find((event.operation, event.attempt))
        if queued is None:
            self._release_again(event.operation.partition("/")[0])
        else:
            queued.inputs, queued.is_fetching = event.inputs, False
            queued.transfers = event.transfers

    def _on_fetch_failed(self, event: events.FetchFailed) -> None:
        queued = self._lanes.find((event.operation, event.attempt))
        if queued is not None:
            self._drop(queued, event.reason, event.message, event.at_us)

    def _on_model_ready(self, event: events.ModelReady) -> None:
        self._needs.model_is_here(event.digest, event.path)

    def _on_model_failed(self, event: events.ModelFailed) -> None:
        self._needs.model_failed(event.digest)
        for queued in self._lanes.waiting():
            if queued.needs_model and queued.dispatch.work.digest == event.digest:
                self._drop(queued, event.reason, event.message, event.at_us)

    def _look_after(self, lane: Lane, at_us: int) -> None:
        for queued in list(lane.queue):
            try:
                self._out.put(*self._needs.look_after(queued))
            except InvalidTensor as error:
                self._drop(queued, FailureReason.INVALID, error.message, at_us)

    # Starting and leaving

    def _start_head(self, lane: Lane, at_us: int) -> None:
        lane.opens_us = None
        if not lane.is_ready or lane.is_ending or lane.running or not lane.queue:
            return
        queued = self._pass_shut(lane, at_us)
        if queued is None:
            return
        path = self._needs.model_path(queued)
        if path is None:
            return
        if queued.inputs is None:
            self._warm(lane, queued.dispatch, path)
        else:
            self._start(lane, queued, queued.inputs, path, at_us)

    def _start(
        self, lane: Lane, queued: QueuedOperation, inputs: dict[str, Value], path: str, at_us: int
    ) -> None:
        dispatch = queued.dispatch
        lane.queue.remove(queued)
        self._memory.take(dispatch)
        kill_at_us = at_us + dispatch.timeout_us if dispatch.timeout_us > 0 else None
        lane.running = RunningOperation(dispatch, at_us, kill_at_us, transfers=queued.transfers)
        self._recent_runs.started(lane.report.id, dispatch, at_us, queue=len(lane.queue))
        self._out.put(StartOnWorker(dispatch=dispatch, inputs=inputs, model_path=path))
        self._out.say_started(dispatch, at_us)

    def _pass_shut(self, lane: Lane, at_us: int) -> QueuedOperation | None:
        """First queued operation that has no more urgent one to wait for."""
        for queued in lane.queue:
            gate = queued.dispatch.gate
            if not gate or not gate.is_shut(at_us) or self._memory.has_begun(gate.operation):
                return queued
            lane.opens_us = min(lane.opens_us or gate.until_us, gate.until_us)
        return None

    def _warm(self, lane: Lane, dispatch: Dispatch, path: str) -> None:
        session = (dispatch.work.digest, dispatch.provider)
        if dispatch.work.kind is WorkKind.MODEL and lane.warmed != session:
            lane.warmed = session
            self._out.put(WarmOnWorker(dispatch=dispatch, model_path=path))

    def _on_drain_requested(self, event: events.DrainRequested) -> None:
        if self._is_draining:
            return
        self._is_draining = True
        self._doors.hold(())
        self._lanes.empty_queues()
        self._out.say_draining(event.at_us)

    def _on_rejoined(self, event: events.Rejoined) -> None:
        self._version = -1
        self._memory.forget_attempts()
        self._lanes.empty_queues()
        for lane in self._lanes:
            if lane.running:
                self._memory.take(lane.running.dispatch)
            if lane.is_down or lane.is_restarting:
                self._say_down(lane, "its worker is being started", event.at_us)

    def _drop(
        self, queued: QueuedOperation, reason: FailureReason, message: str, at_us: int
    ) -> None:
        self._lanes.remove(queued)
        self._fail(queued.dispatch, reason, message, at_us)

    def _fail(self, dispatch: Dispatch, reason: FailureReason, message: str, at_us: int) -> None:
        self._memory.take(dispatch)
        self._out.say_failed(dispatch, reason, message, at_us)
