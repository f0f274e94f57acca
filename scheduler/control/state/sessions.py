"""Sessions that the workers hold: of models that ran or were measured since they came up.

A worker keeps what it made until it ends, or until there is no room: then the session unused for
longest leaves, and what was only measured leaves first. What it was asked to make and nobody has
used yet is not known of.
"""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.control.state.fleet import LiveMachine, SessionKey, Shapes
from scheduler.control.state.inputs import input_shapes
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.queries import forget_options_of_models
from scheduler.control.state.state import State
from scheduler.model.messages import MOST_SESSION_BYTES, MOST_SESSIONS, WorkKind


def session_key(live: LiveMachine, digest: str, provider: str, shapes: Shapes) -> SessionKey:
    """The session that a machine needs to run a model on inputs of these shapes."""
    reports = live.report.providers
    is_static = any(each.provider == provider and each.static_shapes for each in reports)
    return (digest, provider, shapes if is_static else ())


def holds(live: LiveMachine, op: LiveOperation, provider: str) -> bool:
    """True if nothing has to be loaded to run an operation there."""
    return session_key(live, op.stage.digest, provider, input_shapes(op)) in live.sessions


def used(state: State, op: LiveOperation, machine: str, provider: str, started_us: int) -> None:
    """Take note that an operation has run on a machine, or begins to: its session is there."""
    live = _serving(state, machine, started_us)
    if live is None or op.stage.kind is not WorkKind.MODEL:
        return
    own = session_key(live, op.stage.digest, provider, input_shapes(op))
    changed = {} if own in live.sessions else {op.stage.digest: None}
    live.sessions.pop(own, None)
    live.sessions[own] = None
    while len(live.sessions) > 1 and not _fits(state, live.sessions):
        oldest = next(iter(live.sessions))
        del live.sessions[oldest]
        changed[oldest[0]] = None
    forget_options_of_models(state, changed)


def was_measured(
    state: State, machine: str, digest: str, provider: str, shapes: Shapes, started_us: int
) -> None:
    """Take note that a model was measured on a machine: its session stays if there is room."""
    live = _serving(state, machine, started_us)
    if live is None or not has_room(state, live, digest):
        return
    own = session_key(live, digest, provider, shapes)
    if own not in live.sessions:
        live.sessions = {own: None, **live.sessions}
        forget_options_of_models(state, {digest: None})


def has_room(state: State, live: LiveMachine, digest: str) -> bool:
    """True if a worker can hold one more session of a model and lose none of its own."""
    return _fits(state, [*live.sessions, (digest, "", ())])


def doubted(state: State, op: LiveOperation, machine: str) -> None:
    """Note that an operation failed on a machine: nobody knows if its session was made."""
    live, digest = state.machines.get(machine), op.stage.digest
    gone = [] if live is None else [each for each in live.sessions if each[0] == digest]
    for each in gone:
        assert live is not None
        del live.sessions[each]
    forget_options_of_models(state, {digest: None} if gone else {})


def unload(state: State, digest: str) -> None:
    """Have every worker drop its sessions of a model that was deleted."""
    for live in state.machines.values():
        for key in [key for key in live.sessions if key[0] == digest]:
            del live.sessions[key]
    for agent in state.agents.values():
        if agent.is_alive:
            agent.unloads.append(digest)


def forget_sessions(state: State, live: LiveMachine) -> None:
    """Take note that the worker of a machine ends, or is about to."""
    digests = {digest: None for digest, _, _ in live.sessions}
    live.sessions.clear()
    forget_options_of_models(state, digests)


def session_left_us(live: LiveMachine, op: LiveOperation, load_us: int, started_us: int) -> int:
    """Time still to be spent on a session when an operation starts on a machine.

    While its inputs were on their way the machine had nothing else to do, and began with it.
    """
    return max(0, load_us - max(0, started_us - max(live.free_us, op.sent_us)))


def _serving(state: State, machine: str, started_us: int) -> LiveMachine | None:
    """The machine, if the worker that began something then is the one that it has now."""
    live = state.machines.get(machine)
    return live if live is not None and live.is_up and started_us >= live.up_us else None


def _fits(state: State, sessions: Iterable[SessionKey]) -> bool:
    models = [state.models.get(digest) for digest, _, _ in sessions]
    held_bytes = sum(model.size_bytes for model in models if model is not None)
    return len(models) <= MOST_SESSIONS and held_bytes <= MOST_SESSION_BYTES
