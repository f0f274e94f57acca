"""Agents and machines: how they come, go quiet, go down and come back."""

from __future__ import annotations

from scheduler.control.handlers import links
from scheduler.control.handlers.findings import cancel_profiles, forget_changed
from scheduler.control.handlers.profiling import measure_all, profiles_on
from scheduler.control.handlers.recovery import lose, run_again_what_was_on
from scheduler.control.handlers.suspecting import trust_again
from scheduler.control.records import OperationState, ReplanReason
from scheduler.control.state import transitions
from scheduler.control.state.fleet import LiveAgent, LiveMachine
from scheduler.control.state.operations import SENT, LiveOperation
from scheduler.control.state.sessions import forget_sessions
from scheduler.control.state.state import State, Turn
from scheduler.model.messages import (
    AgentDraining,
    AgentJoined,
    AgentLost,
    FailureReason,
    MachineDown,
    MachineReport,
    MachineUp,
)


def joined(state: State, turn: Turn, event: AgentJoined) -> None:
    """Take in an agent. A new incarnation has forgotten all that the one before it was sent."""
    agent = state.agents.get(event.agent)
    if agent is not None and agent.incarnation == event.incarnation:
        return
    if agent is not None:
        _lose_work(state, turn, agent, FailureReason.AGENT_LOST, "its agent began anew")
    # A box without a living agent is lost, and it is lost before the agent says it is elsewhere.
    if agent is not None and agent.is_alive and agent.box != event.box:
        agent.is_alive = False
        _lose_box(state, turn, agent.box)
    version = agent.version if agent is not None else 0
    reports = {report.id: report for report in event.machines}
    gone = [name for name in agent.machines if name not in reports] if agent is not None else []
    cancel_profiles(state, turn, profiles_on(state, gone))
    for name in gone:
        del state.machines[name]
    state.agents[event.agent] = LiveAgent(
        id=event.agent,
        incarnation=event.incarnation,
        box=event.box,
        url=event.url,
        version=version,
        machines=list(reports),
        # Its box may still hold tensors that the incarnation before it was not told to delete.
        releases=agent.releases if agent is not None else [],
        release_by_us=agent.release_by_us if agent is not None else None,
        protocol=event.protocol,
    )
    refused = state.agents[event.agent].refused
    for report in reports.values():
        _add_machine(state, report, event, refused)
    _fleet_changed(state, turn)
    measure_all(state, turn)
    links.want(state, event.box)


def lost(state: State, turn: Turn, event: AgentLost) -> None:
    """Give the work of an agent to others, and make outputs again that only its box held."""
    agent = state.agents.get(event.agent)
    if agent is None or not agent.is_alive:
        return
    if event.incarnation and event.incarnation != agent.incarnation:
        return
    cancel_profiles(state, turn, profiles_on(state, agent.machines))
    _lose_work(state, turn, agent, FailureReason.AGENT_LOST, f"agent {agent.id} was lost")
    agent.is_alive = False
    agent.stops.clear()
    _lose_box(state, turn, agent.box)
    # It may have died between finishing an operation and telling those who wait for it.
    turn.resend.update(dict.fromkeys(state.agents))
    _fleet_changed(state, turn)


def draining(state: State, turn: Turn, event: AgentDraining) -> None:
    """Give the work that an agent has not started to others; running work goes on there."""
    agent = state.agents.get(event.agent)
    if agent is None or not agent.takes_work:
        return
    agent.is_draining = True
    for op in _sent_to(state, agent):
        if op.state is OperationState.DISPATCHED:
            transitions.stop(turn, op)
            lose(state, turn, op, FailureReason.AGENT_LOST, f"agent {agent.id} is draining")
    waiting = [op for op in profiles_on(state, agent.machines) if op.state not in SENT]
    cancel_profiles(state, turn, waiting)
    _fleet_changed(state, turn)


def machine_down(state: State, turn: Turn, event: MachineDown) -> None:
    """Give the work of a machine to others; it takes nothing until it is up.

    If its agent ended the worker, only the operation that ran is lost: the rest waits for the next.
    """
    live = state.machines.get(event.machine)
    if live is None or not live.is_up:
        return
    forget_sessions(state, live)
    trust_again(state, event.machine)
    state.stops.went_down(event.machine, event.at_us)
    if event.is_planned:
        transitions.hold_for_restart(state, live, event.reason)
    else:
        transitions.went_down(live, event.reason, event.at_us)
    for op in _sent_to(state, state.agents[live.agent]):
        is_with_it = op.state is OperationState.RUNNING or not event.is_planned
        if op.machine == event.machine and is_with_it:
            transitions.stop(turn, op)
            message = f"{event.machine} went down: {event.reason}"
            lose(state, turn, op, FailureReason.MACHINE_DOWN, message)
    _fleet_changed(state, turn)


def machine_up(state: State, turn: Turn, event: MachineUp) -> None:
    """Let a machine take work again."""
    live = state.machines.get(event.machine)
    if live is None or (live.is_up and live.held is None) or state.agents[live.agent].refused:
        return
    transitions.came_up(live, event.at_us)
    state.stops.came_up(event.machine, event.at_us)
    _fleet_changed(state, turn)


def _add_machine(state: State, report: MachineReport, event: AgentJoined, refused: str) -> None:
    before = state.machines.get(report.id)
    if before is not None:
        forget_changed(state, report.id, report.providers)
    state.oracle.learn_machine(report)
    state.machines[report.id] = LiveMachine(
        report=report,
        agent=event.agent,
        box=event.box,
        since_us=event.at_us,
        is_up=not refused,
        reason=refused,
        has_gaps=True,
    )


def _fleet_changed(state: State, turn: Turn) -> None:
    state.options.clear()
    turn.plan_again(ReplanReason.FLEET)


def _sent_to(state: State, agent: LiveAgent) -> list[LiveOperation]:
    found = [op for op in state.index.sent.values() if op.agent == agent.id]
    return sorted(found, key=lambda op: (op.run.sequence, op.id))


def _lose_work(
    state: State, turn: Turn, agent: LiveAgent, reason: FailureReason, message: str
) -> None:
    for op in _sent_to(state, agent):
        if op.state in SENT:
            lose(state, turn, op, reason, message)
    for name in agent.machines:
        trust_again(state, name)
        transitions.emptied(state.machines[name])


def _lose_box(state: State, turn: Turn, box: str) -> None:
    if box not in state.living_boxes():
        run_again_what_was_on(state, turn, box)
