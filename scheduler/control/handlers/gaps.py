"""Gaps in what is measured, which are filled on idle machines.

A gap is a missing session, a shape that runs have, a drift, or an old profile. Nothing is measured
beside a critical run unless a run waits for the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from scheduler.control.forecast.options import options
from scheduler.control.handlers.profiling import measure_extra
from scheduler.control.records import OperationState, ReplanReason
from scheduler.control.state.fleet import LiveMachine, LiveModel, Shapes
from scheduler.control.state.inputs import input_shapes
from scheduler.control.state.operations import PENDING, LiveOperation
from scheduler.control.state.sessions import has_room, session_key
from scheduler.control.state.state import State, Turn
from scheduler.model.messages import Verdict, WorkKind
from scheduler.model.problem import Band

MOST_SHAPES = 64
"""Different shapes of one model that are counted; after that, only those are."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something to measure, and how much it matters: the largest first."""

    model: LiveModel
    provider: str
    shapes: Shapes
    weight: tuple[int, int]


def note_shapes(state: State, op: LiveOperation) -> None:
    """Count the shapes that an operation had; once they are common they are worth measuring."""
    model = state.models.get(op.stage.digest)
    if model is None or op.stage.kind is not WorkKind.MODEL or state.settings.fill_share <= 0:
        return
    live = state.machines.get(op.machine)
    if live is not None:
        live.has_gaps = True
    shapes = input_shapes(op)
    if not shapes or (shapes not in model.seen and len(model.seen) >= MOST_SHAPES):
        return
    count = model.seen[shapes] = model.seen.get(shapes, 0) + 1
    if count == state.settings.fill_seen:
        for live in state.machines.values():
            live.has_gaps = True


def fill(state: State, turn: Turn) -> None:
    """Measure the most important gap of the first machine that has been idle long enough."""
    for name, live in state.machines.items():
        due_us = idle_from_us(state, name, live)
        if due_us is None or due_us > state.now_us:
            continue
        gap = max(_gaps(state, name, live), key=lambda gap: gap.weight, default=None)
        if gap is None:
            live.has_gaps = False
        else:
            measure_extra(state, turn, gap.model, [(name, gap.provider)], shapes=gap.shapes)
            return


def _gaps(state: State, machine: str, live: LiveMachine) -> Iterator[Gap]:
    drifts = {
        (drift.work, drift.provider): drift.at_us
        for drift in state.oracle.report().drifts
        if drift.machine == machine
    }
    for model in state.models.values():
        own = tuple(sorted(model.shapes.items()))
        usable = _usable(state, model, machine, live)
        if usable and _is_cold(state, model, live, usable[0]):
            yield Gap(model, usable[0], own, (3, max(model.seen.values())))
        for provider in usable:
            key = (model.digest, machine, provider)
            done = state.measured_at.get(key, {})
            for shapes, count in model.seen.items():
                if count >= state.settings.fill_seen and shapes not in done and shapes != own:
                    yield Gap(model, provider, shapes, (1, count))
            at_us = done.get(own, 0)
            changed_us = drifts.get((model.digest, provider), 0)
            if changed_us > at_us:
                yield Gap(model, provider, own, (2, changed_us))
            elif model.seen and state.now_us - at_us > state.settings.fill_age_us:
                yield Gap(model, provider, own, (0, state.now_us - at_us))


def _usable(state: State, model: LiveModel, machine: str, live: LiveMachine) -> list[str]:
    """Providers that a model was measured on there, the fastest first."""
    medians: dict[str, float] = {}
    for report in live.report.providers:
        profile = state.profiles.get((model.subject(model.main), machine, report.provider))
        if profile is not None and profile.verdict is Verdict.USABLE and profile.samples_us:
            medians[report.provider] = median(profile.samples_us)
    return sorted(medians, key=lambda provider: medians[provider])


def _is_cold(state: State, model: LiveModel, live: LiveMachine, provider: str) -> bool:
    """True if a model in use has no session where it is fastest: no single run waits for a load.

    It would stay where some session happens to be, on a slower provider, for as long as the worker
    lives; what measures it leaves its session there.
    """
    is_used = max(model.seen.values(), default=0) >= state.settings.fill_seen
    own = session_key(live, model.digest, provider, tuple(sorted(model.shapes.items())))
    return is_used and own not in live.sessions and has_room(state, live, model.digest)


def due_us(state: State) -> int | None:
    """Time at which the next machine is to be looked at; ``None`` while there is no gap."""
    # Asked after each event: a look at a busy machine must cost next to nothing.
    idle = [
        (name, live)
        for name, live in state.machines.items()
        if live.has_gaps and not live.running and not live.queue
    ]
    times = [idle_from_us(state, name, live) for name, live in idle]
    return min((time_us for time_us in times if time_us is not None), default=None)


def idle_from_us(state: State, name: str, live: LiveMachine) -> int | None:
    """From when on a machine may be measured on; ``None`` if it is busy or nothing calls for it."""
    settings = state.settings
    if not live.has_gaps or settings.fill_share <= 0 or not live.is_up:
        return None
    agent = state.agents[live.agent]
    is_busy = live.running or live.queue or state.plan.queues.get(name)
    if is_busy or not agent.takes_work or name in state.suspicions.of:
        return None
    # One at a time: a profile that waits already is enough.
    if state.index.profiles:
        return None
    return max(live.free_us + settings.fill_idle_us, live.fill_from_us)


def charge(state: State, machine: str, took_us: int) -> None:
    """Keep a machine from being measured on again before its share of time allows it."""
    live, share = state.machines.get(machine), state.settings.fill_share
    if live is not None and share > 0:
        live.fill_from_us = state.now_us + round(took_us * (1.0 / share - 1.0))


def keep_clear_of_critical(state: State, turn: Turn) -> None:
    """Plan anew when critical runs come to a box, or leave it, while something is to be measured.

    Only what nobody waits for keeps away from them: a run may wait for a model to be measured,
    and that run may be the critical one.
    """
    is_idle = not state.index.profiles
    found = frozenset() if is_idle else frozenset(critical_boxes(state))
    if found != state.critical_boxes:
        state.critical_boxes = found
        if not is_idle:
            turn.plan_again(ReplanReason.QUIET)


def critical_boxes(state: State) -> Iterator[str]:
    """Boxes where a critical run has something running, or something left that can run there."""
    for run in state.index.in_band(Band.CRITICAL):
        if run.kind != "run":
            continue
        for op in run.open.values():
            if op.state is OperationState.RUNNING and op.machine in state.machines:
                yield state.machines[op.machine].box
            elif op.state in PENDING:
                yield from (state.machines[mode.machine].box for mode in options(state, op).modes)
