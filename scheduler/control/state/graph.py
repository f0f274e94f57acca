"""Questions to the graph of a run: names, fan-outs, lists, and readers of outputs.

They change nothing and need no state.
"""

from __future__ import annotations

from scheduler.control.records import OperationState
from scheduler.control.state.operations import LiveOperation, LiveRun
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.messages import Value

MOST_ITEMS = 1 << 32
"""Operations are ordered by stage and then by item: a fan-out has fewer items than this."""


def operation_id(run: str, stage: str, item: int | None) -> str:
    """Name of an operation: ``<run>/<stage>`` or ``<run>/<stage>[<item>]``.

    Examples
    --------
    >>> operation_id("r-1", "read", 2)
    'r-1/read[2]'
    """
    return f"{run}/{stage}" if item is None else f"{run}/{stage}[{item}]"


def missing_inputs(graph: Workload, inputs: dict[str, Value]) -> list[str]:
    """Inputs of the workload that its stages read and the run does not have."""
    wanted = {use.output: None for stage in graph.stages for use in stage.inputs if not use.stage}
    wanted |= {stage.fan_out: None for stage in graph.stages if _is_input_list(stage)}
    return [name for name in wanted if name not in inputs]


def length(run: LiveRun, fan_out: str) -> int | None:
    """Number of items of a fan-out, or ``None`` while its list is not there."""
    if fan_out in run.lengths:
        return run.lengths[fan_out]
    stage_name, _, output = fan_out.partition(".")
    if not output:
        given = run.inputs.get(fan_out)
        return len(given.tensors) if given is not None else None
    producer = stage_of(run.graph, stage_name)
    if producer.fan_out:
        return length(run, producer.fan_out)
    op = run.operations.get(operation_id(run.id, stage_name, None))
    if op is None or op.state is not OperationState.DONE:
        return None
    return len(op.outputs[output].tensors)


def fan_outs_of(run: LiveRun, stage: Stage) -> list[str]:
    """Fan-outs whose list the stage makes."""
    if stage.fan_out:
        return []
    found = {other.fan_out: None for other in run.graph.stages if other.fan_out}
    return [name for name in found if "." in name and name.partition(".")[0] == stage.name]


def is_read_later(run: LiveRun, stage: Stage) -> bool:
    """True if something reads the outputs of a stage that has no operation yet."""
    return any(
        use.stage == stage.name
        for other in run.graph.stages
        if not run.items[other.name]
        for use in other.inputs
    )


def outputs_read(graph: Workload, stage: Stage) -> tuple[str, ...]:
    """Outputs of a stage that another stage or the caller reads, in the order of the stage."""
    read = {use.output for other in graph.stages for use in other.inputs if use.stage == stage.name}
    read |= {output for name, output in graph.outputs.values() if name == stage.name}
    read |= {
        other.fan_out.partition(".")[2]
        for other in graph.stages
        if other.fan_out.partition(".")[0] == stage.name and "." in other.fan_out
    }
    return tuple(output for output in stage.outputs if output in read)


def list_makers(op: LiveOperation) -> list[LiveOperation]:
    """The operations that made these lists: where they are empty, nothing is in between."""
    run = op.run
    stages = (name.partition(".")[0] for name in _lists(run, op))
    return [run.operations[operation_id(run.id, stage, None)] for stage in stages]


def gathers_unknown(op: LiveOperation) -> bool:
    """True if an operation takes all items of a list that is not there: nobody knows which yet."""
    gathers = any(use.take is Take.GATHER for use in op.stage.inputs)
    return gathers and bool(op.unmet) and bool(awaited_lists(op.run, op))


def _is_input_list(stage: Stage) -> bool:
    return bool(stage.fan_out) and "." not in stage.fan_out


def stage_of(graph: Workload, name: str) -> Stage:
    """Find a stage by its name."""
    return next(stage for stage in graph.stages if stage.name == name)


def root_of(graph: Workload, fan_out: str) -> str:
    """Find the fan-out that sets the length, if a list comes from a fanned-out stage."""
    stage, _, output = fan_out.partition(".")
    inner = stage_of(graph, stage).fan_out if output else ""
    return root_of(graph, inner) if inner else fan_out


def awaited_lists(run: LiveRun, op: LiveOperation) -> list[str]:
    """Fan-outs of unknown length that the operation is part of, or gathers.

    It waits for the list itself too: by estimate there may be no operation in between.
    """
    return [name for name in _lists(run, op) if name not in run.lengths]


def _lists(run: LiveRun, op: LiveOperation) -> list[str]:
    """The lists of stages that say how many items an operation gathers, or is one of."""
    gathered = [stage_of(run.graph, use.stage).fan_out for use in op.stage.inputs if use.stage]
    found = dict.fromkeys(
        root_of(run.graph, name) for name in [op.stage.fan_out, *gathered] if name
    )
    return [name for name in found if "." in name]


def sources_of(run: LiveRun, op: LiveOperation, use: StageInput) -> list[str]:
    """Name the operations that one input of an operation comes from."""
    producer = stage_of(run.graph, use.stage)
    if not producer.fan_out:
        return [operation_id(run.id, use.stage, None)]
    if use.take is not Take.GATHER:
        return [operation_id(run.id, use.stage, op.item)]
    return all_items(run, use.stage)


def all_items(run: LiveRun, stage: str) -> list[str]:
    """Name the operations of a stage, by item."""
    return [op.id for op in run.items[stage]]
