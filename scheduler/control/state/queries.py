"""Questions to the oracle about operations, and the options that rest on its answers."""

from __future__ import annotations

from scheduler.control.state.inputs import input_shapes
from scheduler.control.state.operations import LiveOperation, OptionsKey
from scheduler.control.state.state import State
from scheduler.control.workload import Stage
from scheduler.model.measuring import IDLE, Kind, Load, Neighbour
from scheduler.model.messages import WorkKind
from scheduler.model.ports import CostQuery
from scheduler.model.problem import Mode


def cost_query(op: LiveOperation, mode: Mode) -> CostQuery:
    """The question that the oracle was asked about an operation when it was sent in that mode."""
    return query_of(op, mode.machine, mode.provider, op.foreseen.get(mode.machine, IDLE))


def forget_options(state: State, op: LiveOperation) -> None:
    """Drop options that were derived from predictions of this kind of work: they have changed."""
    target = _target(op)
    for key in [key for key in state.options if key[:3] == target]:
        del state.options[key]


def options_key(state: State, op: LiveOperation) -> OptionsKey:
    """Make the key under which the options of a kind of work are remembered."""
    run = op.run
    shapes = input_shapes(op)
    return (*_target(op), op.stage.declared_us, run.allow, run.forbid, shapes, state.load_keys)


def _target(op: LiveOperation) -> tuple[object, ...]:
    return (op.stage.kind, op.stage.target, op.stage.digest)


def query_of(op: LiveOperation, machine: str, provider: str, load: Load) -> CostQuery:
    """Make the question to the oracle about an operation in one place, under a load."""
    stage = op.stage
    return CostQuery(
        kind=stage.kind,
        name=stage.target,
        digest=stage.digest,
        variant="",
        machine=machine,
        provider=provider,
        declared_us=stage.declared_us if stage.kind is WorkKind.FUNCTION else 0,
        shapes=input_shapes(op),
        busy_machines=len(load.neighbours),
        load=load,
    )


def subject_of(state: State, stage: Stage) -> str:
    """The key of verdicts on what a stage runs: its model's file, with the setup of its name."""
    model = state.models.get(stage.digest)
    # Asked for each place where each operation might run: mostly all names have one setup.
    if model is None or not model.setups:
        return stage.digest
    return model.subject(model.setup(stage.target))


def forget_options_of_models(state: State, digests: dict[str, None]) -> None:
    """Drop options that were derived from the holders of these models' sessions."""
    if digests:
        for key in [key for key in state.options if key[2] in digests]:
            del state.options[key]


def seen_load(state: State, machine: str) -> Load:
    """The load that the brain itself knows of, for agents that do not look."""
    live = state.machines.get(machine)
    if live is None:
        return IDLE
    others = [name for name in state.agents[live.agent].machines if name != machine]
    neighbours = tuple(
        kind_of(state, state.operations[state.machines[name].running])
        for name in others
        if state.machines[name].running
    )
    return Load(neighbours=neighbours) if neighbours else IDLE


def kind_of(state: State, op: LiveOperation) -> Neighbour:
    """The neighbour that an operation is to those that run beside it."""
    provider = op.provider or (op.placement.mode.provider if op.placement is not None else "")
    return Neighbour(kind=work_kind(state, op), provider=provider)


def work_kind(state: State, op: LiveOperation) -> Kind:
    """The kind of work that an operation spends its time on."""
    model = state.models.get(op.stage.digest)
    return model.kind if model is not None else Kind.UNKNOWN
