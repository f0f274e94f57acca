"""Dispatch: from the plan to messages for agents, with windows, pinning and gates."""

from __future__ import annotations

from scheduler.control.commands import SendPlan
from scheduler.control.outbox.windows import half_gone, may_be_half_gone, window
from scheduler.control.planning.backfilling import sendable
from scheduler.control.planning.explaining import Timetable, candidates, chosen_instead, is_chosen
from scheduler.control.planning.gates import gates, is_news
from scheduler.control.records import OperationState
from scheduler.control.state.fleet import LiveAgent
from scheduler.control.state.graph import outputs_read
from scheduler.control.state.inputs import bindings
from scheduler.control.state.operations import SENT, LiveOperation
from scheduler.control.state.queries import subject_of, work_kind
from scheduler.control.state.state import State, Turn
from scheduler.control.state.transitions import dispatched, queue_sent
from scheduler.model.measuring import IDLE
from scheduler.model.messages import PROTOCOL, AgentPlan, Binding, Dispatch, Gate, Work, WorkKind
from scheduler.model.problem import Mode

_RELEASES_HELD = 8
"""Releases that are held back at most before they are worth a plan of their own."""

_Queues = dict[str, list[tuple[str, int]]]


def dispatch(state: State, turn: Turn) -> None:
    """Fill the windows that have room, and tell each agent its news."""
    is_filled = _fill_windows(state, turn)
    # Else agents have the plan: operations that left it have left their queues too.
    may_differ = is_filled or turn.replanned or bool(state.plan.reservations)
    for agent in state.agents.values():
        is_asked = _is_asked(state, turn, agent)
        if agent.is_alive and (is_asked or may_differ):
            queues = _queues(state, agent)
            shut = _gates(state, queues)
            if is_asked or any(_is_news(state, m, queue, shut) for m, queue in queues.items()):
                turn.commands.append(_send(state, turn, agent, queues, shut))


def resend_all(state: State, turn: Turn) -> None:
    """Make every agent's whole plan news, with the stops that it has not reported."""
    for agent in state.agents.values():
        turn.resend[agent.id] = None
        if agent.stops:
            turn.stops.setdefault(agent.id, []).extend(agent.stops)


def _fill_windows(state: State, turn: Turn) -> bool:
    """Send the next operations as far as windows and precedence allow; True if any is sent.

    An operation that waits for one that is not sent holds up its machine: the plan's order is kept.
    Its producer is further ahead in the same plan, so somebody's next can always go.
    """
    windows = {
        name: window(state, queue)
        for name, queue in state.plan.queues.items()
        if turn.replanned or may_be_half_gone(state, name)
    }
    ahead = {
        name: sendable(state, name, found)
        for name, found in windows.items()
        if turn.replanned or half_gone(state, found)
    }
    chosen: set[str] = set()
    heads: list[LiveOperation] = []
    before = -1
    while len(heads) > before:
        before = len(heads)
        for queue in ahead.values():
            heads += _choose_heads(state, queue, chosen)
    # Explained before they are pinned: they were chosen from all that was free to choose then.
    table = Timetable(state) if heads else None
    for op in heads:
        assert table is not None
        op.candidates = candidates(state, table, op)
        dispatched(state, op)
    return bool(heads)


def _choose_heads(state: State, queue: list[str], chosen: set[str]) -> list[LiveOperation]:
    """Operations of one queue that can be sent next; their names are added to `chosen`."""
    heads: list[LiveOperation] = []
    for name in queue:
        op = state.operations[name]
        if op.state is not OperationState.WAITING or name in chosen:
            continue
        if not _may_go(op, chosen):
            break
        chosen.add(name)
        heads.append(op)
    return heads


def _may_go(op: LiveOperation, chosen: set[str]) -> bool:
    before = (op.run.operations[name] for name in op.unmet)
    return all(producer.state in SENT or producer.id in chosen for producer in before)


def _queues(state: State, agent: LiveAgent) -> _Queues:
    """Queues that the agent is to have in front of its machines."""
    queues: _Queues = {}
    for machine in agent.machines:
        names = sendable(state, machine, state.plan.queues.get(machine, ()))
        found = [state.operations[name] for name in names]
        queues[machine] = [
            (op.id, op.attempt) for op in found if op.state is OperationState.DISPATCHED
        ]
    return queues


def _gates(state: State, queues: _Queues) -> dict[str, Gate]:
    """Gates of queued operations that may not start yet because of more urgent ones."""
    found: dict[str, Gate] = {}
    for machine, queue in queues.items():
        found |= gates(state, machine, [name for name, _ in queue])
    return found


def _is_news(
    state: State, machine: str, queue: list[tuple[str, int]], shut: dict[str, Gate]
) -> bool:
    """True if a machine's agent does not know its queue, or a gate of it."""
    if queue != state.machines[machine].queue:
        return True
    return any(is_news(state, state.operations[name].gate, shut.get(name)) for name, _ in queue)


def _is_asked(state: State, turn: Turn, agent: LiveAgent) -> bool:
    """True if there is more to tell an agent than its queues."""
    is_told = agent.unloads or turn.stops.get(agent.id)
    if is_told or agent.id in turn.resend or agent.id in turn.measure:
        return True
    # Releases of tensors wait for the next plan: a message of their own costs as much as a plan.
    is_due = agent.release_by_us is not None and agent.release_by_us <= state.now_us
    return is_due or len(agent.releases) >= _RELEASES_HELD


def _send(
    state: State, turn: Turn, agent: LiveAgent, queues: _Queues, shut: dict[str, Gate]
) -> SendPlan:
    agent.version += 1
    known = {pair for name in agent.machines for pair in state.machines[name].queue}
    for name, queue in queues.items():
        queue_sent(state.machines[name], queue)
        for op, _ in queue:
            state.operations[op].gate = shut.get(op)
    stops = tuple(dict.fromkeys(turn.stops.get(agent.id, ())))
    agent.stops.update(dict.fromkeys(stops))
    plan = AgentPlan(
        agent=agent.id,
        epoch=state.epoch,
        version=agent.version,
        queues={
            name: tuple(_dispatch(state, state.operations[op], known) for op, _ in queue)
            for name, queue in queues.items()
            if queue
        },
        stop=stops,
        release=tuple(agent.releases),
        measure=tuple(turn.measure.get(agent.id, ())),
        unload=tuple(agent.unloads),
        leases=state.leases.of_agent(agent.machines),
        protocol=min(agent.protocol, PROTOCOL),
    )
    agent.releases, agent.unloads, agent.release_by_us = [], [], None
    return SendPlan(plan=plan)


def _dispatch(state: State, op: LiveOperation, known: set[tuple[str, int]]) -> Dispatch:
    placed = op.placement
    assert placed is not None
    mode = placed.mode
    if op.inputs is None:
        op.inputs = bindings(op)
        op.unresolved = _unresolved(op.inputs)
    op.mode, op.machine, op.provider = mode, mode.machine, mode.provider
    op.runtime, op.plug_in = state.versions(mode.machine, mode.provider)
    if not is_chosen(op, mode):
        op.candidates = chosen_instead(op, mode, placed.end_us)
    op.sent[mode.machine] = mode
    op.foreseen[mode.machine] = state.foreseen.get(mode.machine, IDLE)
    notify = _waiting_agents(op)
    if (op.id, op.attempt) not in known:
        # Agents rely on the first message only: a later one may come after the start.
        op.notify = notify
    return Dispatch(
        operation=op.id,
        attempt=op.attempt,
        run=op.run.id,
        machine=mode.machine,
        provider=mode.provider,
        variant=mode.variant,
        work=op.run.works.get(op.stage.name) or _work(op),
        inputs=op.inputs,
        band=op.band,
        planned_start_us=placed.start_us,
        expected_us=mode.duration_us + placed.load_us,
        timeout_us=state.settings.timeout_us(mode.p95_us, placed.load_us),
        notify=notify,
        kind=work_kind(state, op),
        gate=op.gate,
        hides_nan=_hides_nan(state, op, mode),
    )


def _hides_nan(state: State, op: LiveOperation, mode: Mode) -> str:
    """Operator that makes a number of a NaN where the operation goes; empty if none is known to."""
    if op.stage.kind is not WorkKind.MODEL:
        return ""
    found = state.profiles.get((subject_of(state, op.stage), mode.machine, mode.provider))
    return found.hides_nan if found is not None else ""


def _work(op: LiveOperation) -> Work:
    stage = op.stage
    is_profile = stage.kind is WorkKind.PROFILE
    work = op.run.works[stage.name] = Work(
        kind=stage.kind,
        name=stage.target,
        digest=stage.digest,
        params=stage.params,
        outputs=() if is_profile else outputs_read(op.run.graph, stage),
    )
    return work


def _unresolved(inputs: tuple[Binding, ...]) -> tuple[str, ...]:
    names = {s.operation: None for binding in inputs for s in binding.sources if s.operation}
    return tuple(names)


def _waiting_agents(op: LiveOperation) -> tuple[str, ...]:
    """Other agents that have an operation which reads the outputs."""
    consumers = [op.run.operations[name] for name in op.consumers]
    agents = {c.agent: None for c in consumers if c.state in SENT and c.agent != op.agent}
    return tuple(agents)
