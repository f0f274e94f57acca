"""Simulated time and delivery: events into the brain, its commands to simulated agents."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

from scheduler.control.brain import Brain
from scheduler.control.commands import Command, RequestPlan, SendPlan, WakeAt
from scheduler.control.events import ControllerStarted, Event, PlanProposed, Tick
from scheduler.model.messages import (
    AgentDraining,
    AgentJoined,
    AgentLost,
    AgentPlan,
    FailureReason,
    MachineDown,
    MachineReport,
    MachineUp,
    OperationFailed,
    OperationFinished,
)
from scheduler.model.ports import Solver
from scheduler.model.schedule import Limits
from scheduler.simulation.agent import Faults, Nature, SimulatedAgent

HOP_US = 200
"""Time of a message on a quiet box."""
HEARTBEAT_US = 3_000_000
"""Time until somebody notices that an agent is gone."""
RESTART_US = 200_000
"""Time until a worker that crashed is up again."""
WORTH_KILLING_US = 1_000_000
"""A worker is not ended for work that should be through by then."""
SOLVE_US = 100_000
"""Time that the solver process thinks about a better plan."""


def _is_crash(report: Event) -> bool:
    return isinstance(report, OperationFailed) and report.reason is FailureReason.WORKER_CRASHED


class World:
    """A brain and its agents in simulated time. The same seed gives the same history.

    Parameters
    ----------
    solver
        Stands for the solver process; ``None`` for a process that never answers.
    hop_us
        Time of a message between the controller and an agent, or between agents.

    Attributes
    ----------
    log
        Every event that the brain took in, in order: a fresh brain can be folded from them.
    commands
        Commands of the brain, per event.
    """

    def __init__(
        self,
        brain: Brain,
        *,
        nature: Nature,
        faults: Faults | None = None,
        solver: Solver | None = None,
        seed: int = 0,
        hop_us: int = HOP_US,
    ) -> None:
        self.brain = brain
        self.now_us = 0
        self.log: list[Event] = []
        self.commands: list[list[Command]] = []
        self.agents: dict[str, SimulatedAgent] = {}
        self._nature = nature
        self._faults = faults or Faults()
        self._solver = solver
        self._random = Random(seed)
        self._hop_us = hop_us
        self._pending: list[tuple[int, int, Callable[[], None]]] = []
        self._wake_us: int | None = None
        self._count = 0

    def send(self, event: Event) -> None:
        """Have an event come to the brain at its time."""
        self._at(event.at_us, lambda: self._deliver(event))

    def join(self, agent: str, box: str, machines: tuple[MachineReport, ...], at_us: int) -> None:
        """Have an agent join, for the first time or again."""
        self._at(at_us, lambda: self._join(agent, box, machines))

    def kill(self, agent: str, at_us: int, back_us: int | None = None) -> None:
        """Have an agent die with its box's memory; it may come back as a new incarnation."""
        self._at(at_us, lambda: self._kill(agent, back_us))

    def drain(self, agent: str, at_us: int) -> None:
        """Have an agent finish its running work and take nothing new."""
        self._at(at_us, lambda: self._drain(agent))

    def restart_controller(self, at_us: int) -> None:
        """Have another controller take office."""
        self._at(at_us, self._restart)

    def run(self, most_events: int = 100_000) -> None:
        """Let time pass until nothing is left to happen."""
        while self._pending:
            self.now_us, _, action = heappop(self._pending)
            action()
            if len(self.log) > most_events:
                raise RuntimeError(f"no rest after {most_events} events")

    def _at(self, at_us: int, action: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._pending, (max(at_us, self.now_us), self._count, action))

    def _after(self, delay_us: int, action: Callable[[], None]) -> None:
        self._at(self.now_us + delay_us, action)

    def _deliver(self, event: Event) -> None:
        self.log.append(event)
        commands = self.brain.handle(event)
        self.commands.append(commands)
        for command in commands:
            self._execute(command)

    def _execute(self, command: Command) -> None:
        match command:
            case SendPlan(plan=plan):
                incarnation = self.agents[plan.agent].incarnation
                self._after(self._hop_us, lambda: self._apply(plan, incarnation))
            case WakeAt(at_us=at_us):
                self._wake_us = at_us
                self._at(at_us, lambda: self._wake(at_us))
            case RequestPlan() if self._solver is not None:
                self._after(SOLVE_US, lambda: self._propose(command))
            case _:
                pass

    def _wake(self, at_us: int) -> None:
        if at_us == self._wake_us:
            self._wake_us = None
            self._deliver(Tick(at_us=self.now_us))

    def _apply(self, plan: AgentPlan, incarnation: int) -> None:
        agent = self.agents[plan.agent]
        if agent.is_alive and agent.incarnation == incarnation:
            for machine in agent.apply(plan):
                stop_us = agent.nature.stop_us(agent.running[machine])
                self._after(stop_us, self._stop_action(agent, machine))
            self._start_all(agent)

    def _start_all(self, agent: SimulatedAgent) -> None:
        for machine in agent.machines:
            opens_us = agent.opens_us(machine.id, self.now_us)
            if opens_us is not None:
                self._at(opens_us, lambda: self._start_all(agent))
            dispatch = agent.next_up(machine.id, self.now_us)
            if dispatch is not None:
                self._report(agent.start(dispatch, self.now_us))
                duration_us = agent.nature.took_us(dispatch, self._random, self.now_us)
                self._after(duration_us, self._end_action(agent, machine.id, self.now_us))

    def _end_action(
        self, agent: SimulatedAgent, machine: str, started_us: int
    ) -> Callable[[], None]:
        dispatch, incarnation = agent.running[machine], agent.incarnation

        def end() -> None:
            is_same = agent.incarnation == incarnation and agent.is_alive
            if is_same and agent.running.get(machine) is dispatch:
                self._end(agent, machine, started_us)

        return end

    def _end(self, agent: SimulatedAgent, machine: str, started_us: int) -> None:
        notify = agent.running[machine].notify
        living = {other.box for other in self.agents.values() if other.is_alive} | {""}
        report = agent.end(machine, self.now_us, started_us, living)
        self._report(report)
        if isinstance(report, OperationFinished):
            for name in notify:
                self._after(self._hop_us, self._tell_action(name, report))
        elif _is_crash(report):
            agent.queues.pop(machine, None)
            self._restart_worker(agent, machine, "worker crashed", is_planned=False)
        self._start_all(agent)

    def _stop_action(self, agent: SimulatedAgent, machine: str) -> Callable[[], None]:
        dispatch, incarnation = agent.running[machine], agent.incarnation

        def stop() -> None:
            is_same = agent.incarnation == incarnation and agent.is_alive
            if is_same and agent.running.get(machine) is dispatch:
                self._stop(agent, machine)

        return stop

    def _stop(self, agent: SimulatedAgent, machine: str) -> None:
        """Have running work let go: by itself, with its worker, or, nearly done, not at all."""
        if agent.can_be_asked(machine):
            self._report(agent.fail(machine, self.now_us, FailureReason.CANCELLED))
            self._start_all(agent)
        elif agent.expected_end_us[machine] - self.now_us > WORTH_KILLING_US:
            self._report(agent.fail(machine, self.now_us, FailureReason.CANCELLED))
            self._restart_worker(agent, machine, "ended to stop running work", is_planned=True)

    def _tell_action(self, name: str, report: OperationFinished) -> Callable[[], None]:
        def tell() -> None:
            peer = self.agents[name]
            if peer.is_alive:
                peer.known[report.operation] = report.outputs
                self._start_all(peer)

        return tell

    def _restart_worker(
        self, agent: SimulatedAgent, machine: str, reason: str, *, is_planned: bool
    ) -> None:
        agent.down[machine] = None
        self.send(
            MachineDown(
                at_us=self.now_us + self._hop_us,
                machine=machine,
                reason=reason,
                is_planned=is_planned,
            )
        )
        self._after(RESTART_US, lambda: self._up(agent, machine))

    def _up(self, agent: SimulatedAgent, machine: str) -> None:
        agent.down.pop(machine, None)
        if agent.is_alive:
            self.send(MachineUp(at_us=self.now_us + self._hop_us, machine=machine))
            self._start_all(agent)

    def _report(self, report: Event) -> None:
        times = 2 if self._random.random() < self._faults.twice else 1
        for i in range(times):
            # A report that was written before its agent died still arrives.
            self._after(self._hop_us * (1 + 50 * i), lambda: self._deliver(report))

    def _propose(self, request: RequestPlan) -> None:
        assert self._solver is not None
        result = self._solver(request.problem, Limits(time_s=1.0), self._random.randrange(1 << 30))
        self._deliver(
            PlanProposed(
                at_us=self.now_us,
                version=request.version,
                solver=result.solver,
                schedule=result.schedule,
                bound_us=result.bound,
            )
        )

    def _join(self, name: str, box: str, machines: tuple[MachineReport, ...]) -> None:
        before = self.agents.get(name)
        agent = self.agents[name] = SimulatedAgent(
            id=name,
            box=box,
            machines=machines,
            nature=self._nature,
            faults=self._faults,
            random=self._random,
            incarnation=before.incarnation + 1 if before is not None else 1,
        )
        if before is not None:
            before.is_alive = False
        self._deliver(
            AgentJoined(
                at_us=self.now_us,
                agent=name,
                incarnation=str(agent.incarnation),
                box=box,
                url=f"http://{name}",
                machines=machines,
            )
        )

    def _kill(self, name: str, back_us: int | None) -> None:
        agent = self.agents.get(name)
        if agent is None or not agent.is_alive:
            return
        agent.is_alive = False
        incarnation = str(agent.incarnation)
        noticed_us = self.now_us + HEARTBEAT_US
        self.send(AgentLost(at_us=noticed_us, agent=name, incarnation=incarnation))
        if back_us is not None:
            self.join(name, agent.box, agent.machines, max(back_us, self.now_us))

    def _drain(self, name: str) -> None:
        agent = self.agents.get(name)
        if agent is not None and agent.is_alive:
            agent.is_draining = True
            self._deliver(AgentDraining(at_us=self.now_us, agent=name))

    def _restart(self) -> None:
        epoch = self.brain.state.epoch + 1
        self._deliver(ControllerStarted(at_us=self.now_us, epoch=epoch))
