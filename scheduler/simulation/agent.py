"""An agent without devices: it takes plans, lets simulated time pass, and reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol
from zlib import crc32

from scheduler.model.measuring import Load
from scheduler.model.messages import (
    AgentPlan,
    Dispatch,
    FailureReason,
    MachineReport,
    OperationFailed,
    OperationFinished,
    OperationStarted,
    Profile,
    Report,
    TensorRef,
    Value,
    Verdict,
    WorkKind,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Chances of faults, per operation; and of coming twice, per report."""

    fail: float = 0.0
    crash: float = 0.0
    refuse: float = 0.0
    twice: float = 0.0


class Surroundings(Protocol):
    """Influence of others on simulated machines, and the load that agents see of it."""

    def took_us(self, machine: str, start_us: int, work_us: int) -> int:
        """Time that work lasts which takes `work_us` if nobody disturbs it."""
        ...

    def load(self, machine: str, start_us: int, end_us: int) -> Load:
        """Load of a run between two moments as an agent tells it."""
        ...


STOP_US = 20_000
"""Time until running work lets go when it is told to stop, if nothing else is known."""


def _profiled_us(dispatch: Dispatch) -> int:
    return 500 + crc32(dispatch.operation.encode()) % 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Nature:
    """Behaviour of simulated work: a function of the work and a seeded source of randomness.

    Parameters
    ----------
    duration_us
        Duration of an execution.
    items
        Length of the list that an output gives; ``None`` for a single tensor. It must not depend
        on the attempt.
    stored
        True if outputs stay on their box; otherwise they travel inside messages.
    surroundings
        Others that stretch durations; ``None`` if there are none, and agents do not look.
    stop_us
        Time until running work lets go when it is told to stop.
    profiled_us
        Duration of one execution that the measuring of a model finds.
    """

    duration_us: Callable[[Dispatch, Random], int]
    items: Callable[[Dispatch, str], int | None]
    stored: bool = True
    surroundings: Surroundings | None = None
    stop_us: Callable[[Dispatch], int] = lambda _: STOP_US
    profiled_us: Callable[[Dispatch], int] = _profiled_us

    def took_us(self, dispatch: Dispatch, random: Random, at_us: int) -> int:
        """Time that an execution lasts which starts at a moment."""
        work_us = self.duration_us(dispatch, random)
        if self.surroundings is None:
            return work_us
        return self.surroundings.took_us(dispatch.machine, at_us, work_us)


@dataclass(slots=True)
class SimulatedAgent:
    """The state of one agent. Its world calls it and delivers its reports.

    Parameters
    ----------
    known
        Outputs that it made or was told of, by operation.
    begun
        Attempts that it started; no plan starts them again.
    running
        Running work per machine.
    expected_end_us
        Expected end of the running work per machine.
    """

    id: str
    box: str
    machines: tuple[MachineReport, ...]
    nature: Nature
    faults: Faults
    random: Random
    incarnation: int = 0
    is_alive: bool = True
    is_draining: bool = False
    epoch: int = 0
    queues: dict[str, list[Dispatch]] = field(default_factory=dict)
    running: dict[str, Dispatch] = field(default_factory=dict)
    expected_end_us: dict[str, int] = field(default_factory=dict)
    down: dict[str, None] = field(default_factory=dict)
    known: dict[str, dict[str, Value]] = field(default_factory=dict)
    begun: dict[tuple[str, int], None] = field(default_factory=dict)

    def apply(self, plan: AgentPlan) -> list[str]:
        """Replace everything that has not started; a stale epoch is refused.

        Gives the machines on which something runs that is to stop.
        """
        if plan.epoch < self.epoch:
            return []
        self.epoch = plan.epoch
        self.queues = {
            machine: [d for d in queue if (d.operation, d.attempt) not in self.begun]
            for machine, queue in plan.queues.items()
        }
        stops = set(plan.stop)
        return [m for m, d in self.running.items() if (d.operation, d.attempt) in stops]

    def can_be_asked(self, machine: str) -> bool:
        """True if the work on a machine heeds a stop; otherwise its worker has to end."""
        provider = self.running[machine].provider
        (report,) = (report for report in self.machines if report.id == machine)
        return any(each.provider == provider and each.terminates for each in report.providers)

    def next_up(self, machine: str, at_us: int) -> Dispatch | None:
        """The work that the machine would start now, if all that it waits for is there."""
        is_idle = machine not in self.running and machine not in self.down
        if not is_idle or self.is_draining or not self.is_alive:
            return None
        queue = self.queues.get(machine, ())
        head = next((each for each in queue if not self._is_shut(each, at_us)), None)
        return head if head is not None and self._inputs(head) is not None else None

    def opens_us(self, machine: str, at_us: int) -> int | None:
        """Time at which the gate of the machine's head opens by itself, if it is shut."""
        queue = self.queues.get(machine)
        gate = queue[0].gate if queue and machine not in self.running else None
        return gate.until_us if gate is not None and gate.is_shut(at_us) else None

    def start(self, dispatch: Dispatch, at_us: int) -> Report:
        """Start something on its machine, and report it."""
        machine = dispatch.machine
        self.queues[machine].remove(dispatch)
        self.begun[(dispatch.operation, dispatch.attempt)] = None
        self.running[machine] = dispatch
        self.expected_end_us[machine] = at_us + dispatch.expected_us
        return OperationStarted(
            at_us=at_us,
            operation=dispatch.operation,
            attempt=dispatch.attempt,
            run=dispatch.run,
            machine=machine,
        )

    def end(self, machine: str, at_us: int, started_us: int, living: set[str]) -> Report:
        """End the work that runs on the machine, one way or the other, and report it."""
        dispatch = self.running[machine]
        reason = self._fault(dispatch, living)
        if reason is not None:
            return self.fail(machine, at_us, reason)
        del self.running[machine]
        outputs = self._outputs(dispatch)
        self.known[dispatch.operation] = outputs
        around = self.nature.surroundings
        return OperationFinished(
            at_us=at_us,
            operation=dispatch.operation,
            attempt=dispatch.attempt,
            run=dispatch.run,
            machine=machine,
            started_us=started_us,
            compute_us=at_us - started_us,
            outputs=outputs,
            profile=self._profile(dispatch) if dispatch.work.kind is WorkKind.PROFILE else None,
            load=around.load(machine, started_us, at_us) if around is not None else None,
        )

    def fail(self, machine: str, at_us: int, reason: FailureReason) -> Report:
        """End the work that runs on the machine without a result, and report it."""
        dispatch = self.running.pop(machine)
        return OperationFailed(
            at_us=at_us,
            operation=dispatch.operation,
            attempt=dispatch.attempt,
            run=dispatch.run,
            machine=machine,
            reason=reason,
            message=f"simulated {reason.value}",
        )

    def _is_shut(self, dispatch: Dispatch, at_us: int) -> bool:
        gate = dispatch.gate
        if gate is None or not gate.is_shut(at_us):
            return False
        return all(operation != gate.operation for operation, _ in self.begun)

    def _inputs(self, dispatch: Dispatch) -> list[Value] | None:
        values: list[Value] = []
        for binding in dispatch.inputs:
            for source in binding.sources:
                if source.value is not None:
                    values.append(source.value)
                elif source.operation in self.known:
                    values.append(self.known[source.operation][source.output])
                else:
                    return None
        return values

    def _fault(self, dispatch: Dispatch, living: set[str]) -> FailureReason | None:
        tensors = [tensor for value in self._inputs(dispatch) or [] for tensor in value.tensors]
        if any(tensor.inline is None and tensor.box not in living for tensor in tensors):
            return FailureReason.INPUT_LOST
        drawn = self.random.random()
        if drawn < self.faults.fail:
            return FailureReason.ERROR
        if drawn < self.faults.fail + self.faults.crash:
            return FailureReason.WORKER_CRASHED
        return None

    def _outputs(self, dispatch: Dispatch) -> dict[str, Value]:
        return {name: self._value(dispatch, name) for name in dispatch.work.outputs}

    def _value(self, dispatch: Dispatch, name: str) -> Value:
        items = self.nature.items(dispatch, name)
        tensors = tuple(
            self._tensor(dispatch, name, i) for i in range(1 if items is None else items)
        )
        return Value(tensors=tensors, is_list=items is not None)

    def _tensor(self, dispatch: Dispatch, name: str, index: int) -> TensorRef:
        if not self.nature.stored:
            return TensorRef(dtype="uint8", shape=(1,), size_bytes=1, inline=b"\0")
        key = f"{dispatch.operation}.{dispatch.attempt}.{name}.{index}"
        return TensorRef(dtype="uint8", shape=(4096,), size_bytes=4096, box=self.box, key=key)

    def _profile(self, dispatch: Dispatch) -> Profile:
        is_refused = self.random.random() < self.faults.refuse
        base_us = self.nature.profiled_us(dispatch)
        return Profile(
            digest=dispatch.work.digest,
            machine=dispatch.machine,
            provider=dispatch.provider,
            verdict=Verdict.WRONG if is_refused else Verdict.USABLE,
            reason="simulated deviation" if is_refused else "",
            samples_us=() if is_refused else tuple(base_us + 10 * i for i in range(10)),
            coverage=1.0,
        )
