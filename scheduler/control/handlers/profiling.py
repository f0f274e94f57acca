"""Models are measured on every machine and provider that may run them, as runs that one can see."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from scheduler.control.commands import ForgetProfiles
from scheduler.control.events import GraphCounted, ModelAdded, ModelRemoved, ProfileRequested
from scheduler.control.records import OperationState, ReplanReason, RunState
from scheduler.control.state.fleet import LiveModel, Shapes
from scheduler.control.state.operations import LiveOperation, LiveRun
from scheduler.control.state.runs import admit, end_run, register
from scheduler.control.state.sessions import unload
from scheduler.control.state.state import State, Turn
from scheduler.control.state.transitions import measured_anew
from scheduler.control.workload import Stage, StageInput, Workload
from scheduler.model.messages import FailureReason, Setup, Verdict, WorkKind
from scheduler.model.problem import Band

_DIGITS = 12
"""Digits of a digest that name its profile run."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """A model, under a name of it, with the setup that it is measured with."""

    model: LiveModel
    name: str
    setup: Setup


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
    model.take(event.name, Setup(shapes=event.profile_shapes, examples=event.examples))
    if event.counts:
        _learn_graph(state, model, event.counts)
    _drop_outdated(state, turn, model)
    measure_all(state, turn)


def graph_counted(state: State, turn: Turn, event: GraphCounted) -> None:
    """Predict with the graph of a model from now on."""
    model = state.models.get(event.digest)
    if model is not None:
        _learn_graph(state, model, event.counts)
        turn.plan_again(ReplanReason.COSTS)


def model_removed(state: State, turn: Turn, event: ModelRemoved) -> None:
    """Forget a name of a model, and with its last name its profiles and those still to be made."""
    model = state.models.get(event.digest)
    if model is None or not model.forget(event.name):
        return
    if model.names:
        _drop_outdated(state, turn, model)
        return
    del state.models[event.digest]
    state.oracle.learn_graph(event.digest, "")
    turn.commands.append(ForgetProfiles(digest=event.digest))
    for key in [key for key in state.measured_at if key[0] == event.digest]:
        del state.measured_at[key]
    for key in [key for key, found in state.profiles.items() if found.digest == event.digest]:
        del state.profiles[key]
    for run in list(state.index.profiles.values()):
        if _digest(run) == event.digest:
            reason = FailureReason.CANCELLED.value
            end_run(state, turn, run, RunState.CANCELLED, reason, "the model was removed")
    unload(state, event.digest)


def _learn_graph(state: State, model: LiveModel, counts: str) -> None:
    model.counts = counts
    state.oracle.learn_graph(model.digest, counts)
    state.options.clear()


def measure_all(state: State, turn: Turn) -> None:
    """See that every model is, or will be, measured on every usable provider."""
    for model in state.models.values():
        for subject, (name, setup) in model.subjects().items():
            places = [
                (machine, report.provider)
                for machine, live in state.machines.items()
                if state.agents[live.agent].takes_work
                for report in live.report.providers
                if report.verdict is Verdict.USABLE
                and (subject, machine, report.provider) not in state.profiles
            ]
            if places:
                _measure(state, turn, _Measured(model, name, setup), places)


def _drop_outdated(state: State, turn: Turn, model: LiveModel) -> None:
    """Forget verdicts on setups that no name of a model has any more, and do not find them out."""
    keys = {subject: setup.key for subject, (_, setup) in model.subjects().items()}
    for key, profile in list(state.profiles.items()):
        # A verdict from before setups had keys counts for the shapes that the model had then.
        is_current = profile.setup in ("", keys.get(key[0]))
        if profile.digest == model.digest and not (key[0] in keys and is_current):
            del state.profiles[key]
            state.options.clear()
    for run in list(state.index.profiles.values()):
        if not run.is_extra and _digest(run) == model.digest and _key(run) not in keys.values():
            reason = FailureReason.CANCELLED.value
            detail = "the model is measured with other shapes or example values"
            end_run(state, turn, run, RunState.CANCELLED, reason, detail)


def requested(state: State, turn: Turn, event: ProfileRequested) -> None:
    """Measure a model anew because somebody asked for it."""
    if event.run in state.runs:
        return
    model = state.models.get(event.digest)
    places = _asked_places(state, event.machines) if model is not None else []
    if model is None or not places:
        run = _new_run(state, event.run, None)
        admit(state, turn, run)
        detail = "nothing is usable there" if model is not None else "no such model"
        end_run(state, turn, run, RunState.FAILED, FailureReason.INVALID.value, detail)
        return
    name = event.name if event.name in model.names else next(iter(model.names))
    shapes = tuple(sorted((event.shapes or model.setup(name).shapes).items()))
    measure_extra(
        state,
        turn,
        model,
        places,
        shapes=shapes,
        name=name,
        run=event.run,
        operators=event.operators,
    )


def measure_extra(
    state: State,
    turn: Turn,
    model: LiveModel,
    places: list[tuple[str, str]],
    *,
    shapes: Shapes,
    name: str = "",
    run: str = "",
    operators: bool = False,
) -> None:
    """Measure a model in places where something is known of it, as a run of its own.

    Parameters
    ----------
    name
        Name of the model whose example values are taken; the first of them if empty.
    """
    name = name or next(iter(model.names))
    measured = _Measured(model, name, model.setup(name).at(dict(shapes)))
    live = _new_run(state, run or _free_id(state, f"g-{model.digest[:_DIGITS]}"), measured)
    live.is_extra = True
    for place in places:
        op = _operation(state, live, measured, place)
        if operators:
            op.stage.params["operators"] = True
        live.operations[op.id] = live.open[op.id] = op
        live.changed[op.id] = None
    live.total = len(live.operations)
    admit(state, turn, live)
    register(state, live, before=live.unfinished)
    turn.plan_again(ReplanReason.TO_MEASURE)


def _asked_places(state: State, patterns: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (name, report.provider)
        for name, live in state.machines.items()
        if state.agents[live.agent].takes_work
        and (not patterns or any(fnmatchcase(name, pattern) for pattern in patterns))
        for report in live.report.providers
        if report.verdict is Verdict.USABLE
    ]


def profiles_on(state: State, machines: list[str]) -> list[LiveOperation]:
    """Profiles that are still to be made on the machines."""
    return [
        op
        for run in state.index.profiles.values()
        for op in run.open.values()
        if op.only is not None and op.only[0] in machines
    ]


def _measure(state: State, turn: Turn, what: _Measured, places: list[tuple[str, str]]) -> None:
    run = _open_run(state, turn, what)
    before = run.unfinished
    for place in places:
        fresh = _operation(state, run, what, place)
        op = run.operations.get(fresh.id)
        if op is None:
            run.operations[fresh.id] = run.open[fresh.id] = fresh
            run.changed[fresh.id] = None
        elif op.state is OperationState.CANCELLED:
            measured_anew(state, op)
            before += 1
    run.total = len(run.operations)
    register(state, run, before=before)
    turn.plan_again(ReplanReason.TO_MEASURE)
    turn.runs[run.id] = None


def _open_run(state: State, turn: Turn, what: _Measured) -> LiveRun:
    digest, key = what.model.digest, what.setup.key
    for run in state.index.profiles.values():
        if not run.is_extra and _digest(run) == digest and _key(run) == key:
            return run
    run = _new_run(state, _free_id(state, f"p-{digest[:_DIGITS]}"), what)
    admit(state, turn, run)
    return run


def _new_run(state: State, run: str, what: _Measured | None) -> LiveRun:
    name = f"profile:{what.name if what is not None else ''}"
    return LiveRun(
        id=run,
        kind="profile",
        workload=name,
        sequence=0,
        submitted_us=state.now_us,
        band=Band.BACKGROUND,
        effective_band=Band.BACKGROUND,
        graph=Workload(name=name, version=0, stages=(), outputs={}),
        inputs=what.setup.examples if what is not None else {},
    )


def _free_id(state: State, wanted: str) -> str:
    """A model is measured again when a machine joins: the later runs are numbered."""
    count = state.profile_runs[wanted] = state.profile_runs.get(wanted, 0) + 1
    return wanted if count == 1 else f"{wanted}-{count}"


def _operation(
    state: State,
    run: LiveRun,
    what: _Measured,
    place: tuple[str, str],
) -> LiveOperation:
    machine, provider = place
    name = f"{machine.replace('/', '.')}.{provider}"
    stage = Stage(
        name=name,
        kind=WorkKind.PROFILE,
        target=what.name,
        digest=what.model.digest,
        inputs=tuple(StageInput(name=name, stage="", output=name) for name in what.setup.examples),
        params={
            "shapes": {key: list(shape) for key, shape in what.setup.shapes.items()},
            "repeats": state.settings.profile_repeats,
            "budget_us": state.settings.profile_budget_us,
        },
    )
    order = len(run.operations)
    return LiveOperation(id=f"{run.id}/{name}", run=run, stage=stage, only=place, order=order)


def _digest(run: LiveRun) -> str:
    return next(iter(run.operations.values())).stage.digest if run.operations else ""


def _key(run: LiveRun) -> str:
    """Key of the setup that a run measures with."""
    return setup_of(next(iter(run.operations.values()))).key if run.operations else ""


def setup_of(op: LiveOperation) -> Setup:
    """The setup that an operation measures with."""
    shapes = {name: tuple(shape) for name, shape in op.stage.params["shapes"].items()}
    return Setup(shapes=shapes, examples=op.run.inputs)
