"""Which sessions the worker of a machine holds, by what ran there since it came up.

A worker keeps what it made until it ends, or until there is no room: then the session unused for
longest leaves. What it was asked to make and nobody has used yet is not known of.
"""

from __future__ import annotations

from scheduler.control.live import LiveMachine, LiveOperation
from scheduler.control.state import State
from scheduler.model.messages import MOST_SESSION_BYTES, MOST_SESSIONS, WorkKind


def holds(live: LiveMachine, digest: str, provider: str) -> bool:
    """Whether nothing has to be loaded to run a model there."""
    return (digest, provider) in live.sessions


def used(state: State, op: LiveOperation, machine: str, provider: str, started_us: int) -> None:
    """Take note that an operation has run on a machine, or begins to: its session is there."""
    live = state.machines.get(machine)
    is_news = live is not None and live.is_up and started_us >= live.up_us
    if live is None or not is_news or op.stage.kind is not WorkKind.MODEL:
        return
    session = (op.stage.digest, provider)
    changed = {} if session in live.sessions else {op.stage.digest: None}
    live.sessions.pop(session, None)
    live.sessions[session] = None
    while len(live.sessions) > 1 and _is_full(state, live):
        oldest = next(iter(live.sessions))
        del live.sessions[oldest]
        changed[oldest[0]] = None
    _forget_options(state, changed)


def doubted(state: State, op: LiveOperation, machine: str) -> None:
    """Take note that an operation failed on a machine: whether its session was made is open."""
    live, digest = state.machines.get(machine), op.stage.digest
    gone = [] if live is None else [each for each in live.sessions if each[0] == digest]
    for session in gone:
        assert live is not None
        del live.sessions[session]
    _forget_options(state, {digest: None} if gone else {})


def left_to_load_us(live: LiveMachine, op: LiveOperation, load_us: int, started_us: int) -> int:
    """How much of a load is still to come when an operation starts on a machine.

    While its inputs were on their way the machine had nothing else to do, and began with it.
    """
    return max(0, load_us - max(0, started_us - max(live.free_us, op.sent_us)))


def _is_full(state: State, live: LiveMachine) -> bool:
    models = [state.models.get(digest) for digest, _ in live.sessions]
    held_bytes = sum(model.size_bytes for model in models if model is not None)
    return len(live.sessions) > MOST_SESSIONS or held_bytes > MOST_SESSION_BYTES


def _forget_options(state: State, digests: dict[str, None]) -> None:
    """Drop what was derived from who holds the sessions of these models."""
    if digests:
        for key in [key for key in state.options if key[2] in digests]:
            del state.options[key]
