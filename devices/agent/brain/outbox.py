"""Instructions that come out of one event, in order, and the wording of an agent's reports."""

from __future__ import annotations

from dataclasses import replace

from devices.agent.brain import events
from devices.agent.brain.instructions import Emit, Instruction, NotifyPeer
from devices.agent.brain.lane import RunningOperation
from scheduler.model.measuring import Load
from scheduler.model.messages import (
    AgentDraining,
    CallLease,
    CallPlace,
    CallsReported,
    Dispatch,
    FailureReason,
    MachineDown,
    MachineUp,
    OperationFailed,
    OperationFinished,
    OperationStarted,
    PeerOutputs,
    Report,
    Value,
)


class Outbox:
    """Instructions of an agent that are still to be handed to its shell."""

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._instructions: list[Instruction] = []

    def put(self, *instructions: Instruction) -> None:
        """Add instructions behind those that are there."""
        self._instructions += instructions

    def take(self) -> list[Instruction]:
        """Instructions put in so far, in order; the next event starts with none."""
        taken, self._instructions = self._instructions, []
        return taken

    def say_started(self, dispatch: Dispatch, at_us: int) -> None:
        """Tell the controller that a worker begins an operation."""
        self._say(
            OperationStarted(
                at_us=at_us,
                operation=dispatch.operation,
                attempt=dispatch.attempt,
                run=dispatch.run,
                machine=dispatch.machine,
            )
        )

    def say_finished(
        self, event: events.WorkerFinishedOperation, running: RunningOperation, load: Load | None
    ) -> None:
        """Tell the controller the outputs and times of an operation."""
        self._say(
            OperationFinished(
                at_us=event.at_us,
                operation=event.operation,
                attempt=event.attempt,
                run=running.dispatch.run,
                machine=event.machine,
                started_us=event.started_us,
                compute_us=event.compute_us,
                load_us=event.load_us,
                outputs=event.outputs,
                profile=event.profile and replace(event.profile, load=load),
                load=load,
                transfers=running.transfers,
            )
        )

    def say_failed(
        self, dispatch: Dispatch, reason: FailureReason, message: str, at_us: int
    ) -> None:
        """Tell the controller that an operation ended without a result."""
        self._say(
            OperationFailed(
                at_us=at_us,
                operation=dispatch.operation,
                attempt=dispatch.attempt,
                run=dispatch.run,
                machine=dispatch.machine,
                reason=reason,
                message=message,
            )
        )

    def say_called(
        self, event: events.WorkerServedCalls, lease: CallLease, place: CallPlace
    ) -> None:
        """Tell the controller of calls that a worker served."""
        self._say(
            CallsReported(
                at_us=event.at_us,
                agent=self._agent,
                machine=event.machine,
                lease=lease.id,
                digest=lease.digest,
                provider=place.provider,
                band=lease.band,
                since_us=event.since_us,
                done=event.done,
                busy_us=event.busy_us,
                failed=event.failed,
                refused=event.refused,
                late=event.late,
                p50_us=event.p50_us,
                p95_us=event.p95_us,
                waited_us=event.waited_us,
                revocation_us=event.revocation_us,
                load_us=event.load_us,
            )
        )

    def say_up(self, machine: str, at_us: int) -> None:
        """Tell the controller that a machine takes work again."""
        self._say(MachineUp(at_us=at_us, machine=machine))

    def say_down(self, machine: str, reason: str, at_us: int, *, is_planned: bool) -> None:
        """Tell the controller that a machine's worker ended, and if the agent itself ended it."""
        self._say(MachineDown(at_us=at_us, machine=machine, reason=reason, is_planned=is_planned))

    def say_draining(self, at_us: int) -> None:
        """Tell the controller that nothing new is taken."""
        self._say(AgentDraining(at_us=at_us, agent=self._agent))

    def notify_peers(self, dispatch: Dispatch, outputs: dict[str, Value]) -> None:
        """Tell the outputs of an operation to the agents that wait for them."""
        peer = PeerOutputs(
            operation=dispatch.operation,
            attempt=dispatch.attempt,
            run=dispatch.run,
            outputs=outputs,
        )
        self._instructions += [
            NotifyPeer(agent=agent, peer=peer) for agent in dispatch.notify if agent != self._agent
        ]

    def _say(self, report: Report) -> None:
        self._instructions.append(Emit(report=report))
