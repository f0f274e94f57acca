"""Models are measured on every machine and provider that may run them, as runs that one can see."""

from __future__ import annotations

from scheduler.control.events import ModelAdded, ModelRemoved
from scheduler.control.lifecycle import admit, end_run, finish_run, register, withdraw
from scheduler.control.live import ENDED, LiveAgent, LiveModel, LiveOperation, LiveRun
from scheduler.control.records import OperationState, RunState
from scheduler.control.state import State, Turn
from scheduler.control.workload import Stage, Workload
from scheduler.model.messages import FailureReason, Profile, ProviderReport, Verdict, WorkKind
from scheduler.model.problem import Band

_DIGITS = 12
"""Digits of a digest that name its profile run."""
_VERDICTS = {
    FailureReason.PROVIDER_REFUSED: Verdict.FELL_BACK,
    FailureReason.INVALID: Verdict.UNSUPPORTED,
}
"""What a profile that failed says of the provider; everything else is a failure."""


def model_added(state: State, turn: Turn, event: ModelAdded) -> None:
    """Take in a model and measure it wherever it was not yet."""
    model = state.models.get(event.digest)
    if model is None:
        model = state.models[event.digest] = LiveModel(
            digest=event.digest,
            names={},
            size_bytes=event.size_bytes,
            shapes=event.profile_shapes,
            kind=event.kind,
        )
    model.names[event.name] = None
    measure_all(state, turn)


def model_removed(state: State, turn: Turn, event: ModelRemoved) -> None:
    """Forget a name of a model, and with its last name what is still to be measured."""
    model = state.models.get(event.digest)
    if model is None or model.names.pop(event.name, "unknown") == "unknown" or model.names:
        return
    del state.models[event.digest]
    for run in list(state.active.values()):
        if run.kind == "profile" and _digest(run) == event.digest:
            reason = FailureReason.CANCELLED.value
            end_run(state, turn, run, RunState.CANCELLED, reason, "the model was removed")


def measure_all(state: State, turn: Turn) -> None:
    """See that every model is, or will be, measured on every usable provider."""
    for model in state.models.values():
        places = [
            (name, report.provider)
            for name, live in state.machines.items()
            if _takes_work(state.agents[live.agent])
            for report in live.report.providers
            if _is_to_measure(state, model, name, report)
        ]
        if places:
            _measure(state, turn, model, places)


def measured(state: State, turn: Turn, op: LiveOperation, profile: Profile | None) -> None:
    """Take in what a profile found; a verdict other than usable refuses the provider."""
    assert profile is not None
    assert op.only is not None
    state.profiles[(op.stage.digest, *op.only)] = profile
    if profile.verdict is Verdict.USABLE:
        state.oracle.learn_profile(profile, "", at_us=state.now_us)
    _profile_ended(state, turn, op.run)


def refuse_profile(
    state: State, turn: Turn, op: LiveOperation, reason: FailureReason, message: str
) -> None:
    """Refuse a provider for a model because measuring it failed."""
    assert op.only is not None
    machine, provider = op.only
    state.profiles[(op.stage.digest, machine, provider)] = Profile(
        digest=op.stage.digest,
        machine=machine,
        provider=provider,
        verdict=_VERDICTS.get(reason, Verdict.FAILED),
        reason=f"{reason.value}: {message}",
    )
    _end(state, turn, op, OperationState.FAILED)
    _profile_ended(state, turn, op.run)


def cancel_profiles(state: State, turn: Turn, ops: list[LiveOperation]) -> None:
    """Give up what was to be measured on an agent that goes; it begins again if it returns."""
    for op in ops:
        _end(state, turn, op, OperationState.CANCELLED)
        _profile_ended(state, turn, op.run)


def drop_stranded_profile(state: State, turn: Turn, op: LiveOperation) -> None:
    """Give up a profile whose machine takes no work any more."""
    assert op.only is not None
    if not _takes_work(state.agent_of(op.only[0])):
        cancel_profiles(state, turn, [op])


def profiles_on(state: State, machines: list[str]) -> list[LiveOperation]:
    """What is still to be measured on the machines."""
    return [
        op
        for run in state.active.values()
        for op in run.operations.values()
        if op.only is not None and op.only[0] in machines and op.state not in ENDED
    ]


def forget_changed(state: State, machine: str, providers: tuple[ProviderReport, ...]) -> None:
    """Forget what was measured on providers of a machine that are not what they were."""
    before = {report.provider: report for report in state.machines[machine].report.providers}
    changed = [report.provider for report in providers if before.get(report.provider) != report]
    for key in [key for key in state.profiles if key[1] == machine and key[2] in changed]:
        del state.profiles[key]


def _takes_work(agent: LiveAgent) -> bool:
    return agent.is_alive and not agent.is_draining


def _is_to_measure(state: State, model: LiveModel, machine: str, report: ProviderReport) -> bool:
    if report.verdict is not Verdict.USABLE:
        return False
    return (model.digest, machine, report.provider) not in state.profiles


def _measure(state: State, turn: Turn, model: LiveModel, places: list[tuple[str, str]]) -> None:
    run = _open_run(state, turn, model)
    for machine, provider in places:
        name = f"{machine.replace('/', '.')}.{provider}"
        op = run.operations.get(f"{run.id}/{name}")
        if op is None:
            op = _operation(state, run, model, name)
            op.only = (machine, provider)
            run.operations[op.id] = op
            run.unfinished += 1
        elif op.state is OperationState.CANCELLED:
            op.state, op.ended_us, op.record = OperationState.WAITING, None, None
            run.unfinished += 1
    register(state, run)
    turn.replan = True
    turn.runs[run.id] = None


def _open_run(state: State, turn: Turn, model: LiveModel) -> LiveRun:
    for run in state.active.values():
        if run.kind == "profile" and _digest(run) == model.digest:
            return run
    name = next(iter(model.names))
    run = LiveRun(
        id=_free_id(state, f"p-{model.digest[:_DIGITS]}"),
        kind="profile",
        workload=f"profile:{name}",
        sequence=0,
        submitted_us=state.now_us,
        band=Band.BACKGROUND,
        effective_band=Band.BACKGROUND,
        graph=Workload(name=f"profile:{name}", version=0, stages=(), outputs={}),
    )
    admit(state, turn, run)
    return run


def _free_id(state: State, wanted: str) -> str:
    """A model is measured again when a machine joins: the later runs are numbered."""
    count = state.profile_runs[wanted] = state.profile_runs.get(wanted, 0) + 1
    return wanted if count == 1 else f"{wanted}-{count}"


def _operation(state: State, run: LiveRun, model: LiveModel, name: str) -> LiveOperation:
    stage = Stage(
        name=name,
        kind=WorkKind.PROFILE,
        target=next(iter(model.names)),
        digest=model.digest,
        params={
            "shapes": {key: list(shape) for key, shape in model.shapes.items()},
            "repeats": state.settings.profile_repeats,
            "budget_us": state.settings.profile_budget_us,
        },
    )
    return LiveOperation(id=f"{run.id}/{name}", run=run, stage=stage)


def _end(state: State, turn: Turn, op: LiveOperation, ended: OperationState) -> None:
    withdraw(state, turn, op)
    op.state, op.ended_us = ended, state.now_us
    op.run.unfinished -= 1
    state.ended_operations.append(op)


def _profile_ended(state: State, turn: Turn, run: LiveRun) -> None:
    # Whoever waited for the model may run now, on this provider or not at all.
    state.options.clear()
    turn.replan = True
    turn.runs[run.id] = None
    if run.unfinished or run.is_ended:
        return
    done = sum(op.state is OperationState.DONE for op in run.operations.values())
    usable = sum(
        op.only is not None and _is_usable(state, op.stage.digest, *op.only)
        for op in run.operations.values()
    )
    detail = f"{done} of {len(run.operations)} measured, usable on {usable}"
    if done:
        finish_run(state, turn, run, detail)
    else:
        ops = run.operations.values()
        is_failed = any(op.state is OperationState.FAILED for op in ops)
        ended = RunState.FAILED if is_failed else RunState.CANCELLED
        reason = FailureReason.PROVIDER_REFUSED if is_failed else FailureReason.AGENT_LOST
        end_run(state, turn, run, ended, reason.value, detail)


def _is_usable(state: State, digest: str, machine: str, provider: str) -> bool:
    profile = state.profiles.get((digest, machine, provider))
    return profile is not None and profile.verdict is Verdict.USABLE


def _digest(run: LiveRun) -> str:
    return next(iter(run.operations.values())).stage.digest if run.operations else ""
