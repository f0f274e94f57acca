"""Results of measuring models: kept, learned from, and the end of the runs that measured."""

from __future__ import annotations

from dataclasses import replace

from scheduler.control.commands import KeepProfile
from scheduler.control.handlers.gaps import charge
from scheduler.control.handlers.profiling import setup_of
from scheduler.control.records import OperationState, ReplanReason, RunState
from scheduler.control.records.story import Trigger
from scheduler.control.state.fleet import LiveModel
from scheduler.control.state.operations import LiveOperation, LiveRun
from scheduler.control.state.queries import subject_of
from scheduler.control.state.runs import end_run, finish_run
from scheduler.control.state.sessions import was_measured
from scheduler.control.state.state import State, Turn
from scheduler.control.state.transitions import ended
from scheduler.model.messages import (
    FailureReason,
    Profile,
    ProviderReport,
    Setup,
    Verdict,
    WorkKind,
)
from scheduler.model.ports import CostQuery

_VERDICTS = {
    FailureReason.PROVIDER_REFUSED: Verdict.FELL_BACK,
    FailureReason.INVALID: Verdict.UNSUPPORTED,
}
"""Verdicts on the provider by the reason that a profile failed for; any other is a failure."""


def measured(state: State, turn: Turn, op: LiveOperation, profile: Profile | None) -> None:
    """Take in a profile; a verdict other than usable refuses the provider."""
    assert profile is not None
    _take_in(state, turn, op, profile)
    _profile_ended(state, turn, op.run)


def refuse_profile(
    state: State, turn: Turn, op: LiveOperation, reason: FailureReason, message: str
) -> None:
    """Refuse a provider for a model because measuring it failed."""
    assert op.only is not None
    machine, provider = op.only
    found = Profile(
        digest=op.stage.digest,
        machine=machine,
        provider=provider,
        verdict=_VERDICTS.get(reason, Verdict.FAILED),
        reason=f"{reason.value}: {message}",
        shapes=setup_of(op).shapes,
    )
    _take_in(state, turn, op, found)
    ended(state, turn, op, OperationState.FAILED, Trigger.REFUSED, found.reason)
    state.ended_operations.append(op)
    _profile_ended(state, turn, op.run)


def cancel_profiles(state: State, turn: Turn, ops: list[LiveOperation]) -> None:
    """Give up the profiles of an agent that goes; they begin again if it returns."""
    for op in ops:
        ended(state, turn, op, OperationState.CANCELLED, Trigger.DROPPED)
        state.ended_operations.append(op)
        _profile_ended(state, turn, op.run)


def drop_stranded_profile(state: State, turn: Turn, op: LiveOperation) -> None:
    """Give up a profile whose machine takes no work any more."""
    assert op.only is not None
    if not state.agent_of(op.only[0]).takes_work:
        cancel_profiles(state, turn, [op])


def forget_changed(state: State, machine: str, providers: tuple[ProviderReport, ...]) -> None:
    """Forget the profiles of a machine's providers that have changed."""
    before = {report.provider: report for report in state.machines[machine].report.providers}
    changed = [report.provider for report in providers if before.get(report.provider) != report]
    for key in [key for key in state.profiles if key[1] == machine and key[2] in changed]:
        del state.profiles[key]
        state.measured_at.pop(key, None)


def _take_in(state: State, turn: Turn, op: LiveOperation, profile: Profile) -> None:
    """Keep a profile, and learn from it for the shapes that it was made with."""
    assert op.only is not None
    machine, provider = op.only
    setup = setup_of(op)
    query = CostQuery(
        kind=WorkKind.MODEL,
        name=op.stage.target,
        digest=op.stage.digest,
        variant="",
        machine=machine,
        provider=provider,
        shapes=tuple(sorted(profile.shapes.items())),
    )
    (expected,) = state.oracle.predict([query])
    profile = replace(profile, at_us=state.now_us, setup=setup.key)
    if expected is not None:
        origin = expected.provenance.value
        profile = replace(profile, expected_us=expected.p50_us, provenance=origin)
    model = state.models.get(op.stage.digest)
    shapes = tuple(sorted(profile.shapes.items()))
    if profile.verdict is Verdict.USABLE:
        was_measured(state, machine, op.stage.digest, provider, shapes, op.started_us or 0)
    subject = _subject(model, op, setup)
    times = state.measured_at.setdefault((op.stage.digest, machine, provider), {})
    times[tuple(sorted(setup.shapes.items()))] = state.now_us
    live = state.machines.get(machine)
    report = live.report if live is not None else None
    turn.commands.append(KeepProfile(profile=profile, machine=report))
    charge(state, machine, state.now_us - (op.started_us or state.now_us))
    if subject:
        # The view of the site carries profiles: without the rows per operator, which are large.
        state.profiles[(subject, machine, provider)] = replace(profile, operators=())
    if subject == op.stage.digest:
        if profile.verdict is Verdict.USABLE:
            state.oracle.learn_profile(profile, "", at_us=state.now_us)
    elif profile.verdict is Verdict.USABLE and profile.samples_us:
        # To an oracle a profile takes the place of all that is known; this is about one shape. One
        # observation, because a row of runs that carry no inputs would look like a drift.
        median_us = sorted(profile.samples_us)[len(profile.samples_us) // 2]
        state.oracle.observe(query, median_us, load=profile.load, at_us=state.now_us)


def _subject(model: LiveModel | None, op: LiveOperation, setup: Setup) -> str:
    """The key of the verdict that was found; empty if no name of the model has that setup."""
    if model is None:
        return op.stage.digest
    subject = model.subject(setup)
    return subject if not op.run.is_extra or subject in model.subjects() else ""


def _profile_ended(state: State, turn: Turn, run: LiveRun) -> None:
    # Runs that waited for the model may start now, on this provider or not at all.
    state.options.clear()
    turn.plan_again(ReplanReason.MEASURED)
    turn.runs[run.id] = None
    if run.unfinished or run.is_ended:
        return
    done = sum(op.state is OperationState.DONE for op in run.operations.values())
    usable = sum(
        op.only is not None and _is_usable(state, subject_of(state, op.stage), *op.only)
        for op in run.operations.values()
    )
    detail = f"{done} of {len(run.operations)} measured, usable on {usable}"
    if done:
        finish_run(state, turn, run, detail)
    else:
        ops = run.operations.values()
        is_failed = any(op.state is OperationState.FAILED for op in ops)
        to = RunState.FAILED if is_failed else RunState.CANCELLED
        reason = FailureReason.PROVIDER_REFUSED if is_failed else FailureReason.AGENT_LOST
        end_run(state, turn, run, to, reason.value, detail)


def _is_usable(state: State, subject: str, machine: str, provider: str) -> bool:
    profile = state.profiles.get((subject, machine, provider))
    return profile is not None and profile.verdict is Verdict.USABLE
