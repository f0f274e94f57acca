"""From a workload to operations: fan-outs that grow at run time, and what each input comes from."""

from __future__ import annotations

from scheduler.control.live.operations import LiveOperation, LiveRun
from scheduler.control.records import OperationState
from scheduler.control.state import State
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.messages import Binding, Source, TensorRef, Value
from scheduler.model.problem import Edge


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


def expand(state: State, run: LiveRun) -> list[str]:
    """Give a run the operations that it has by what is known now; returns the ids that vanished.

    Operations that are there already keep all that happened to them.
    """
    before, run.operations = run.operations, {}
    for stage in run.graph.stages:
        for item in _items(state, run, stage):
            op = _operation(before, run, stage, item)
            run.operations[op.id] = op
    _link(run)
    run.unfinished = sum(op.state is not OperationState.DONE for op in run.operations.values())
    return [name for name in before if name not in run.operations]


def length(run: LiveRun, fan_out: str) -> int | None:
    """How many items a fan-out has, or ``None`` while its list is not there."""
    if fan_out in run.lengths:
        return run.lengths[fan_out]
    stage_name, _, output = fan_out.partition(".")
    if not output:
        given = run.inputs.get(fan_out)
        return len(given.tensors) if given is not None else None
    producer = _stage(run.graph, stage_name)
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


def bindings(op: LiveOperation) -> tuple[Binding, ...]:
    """Where each input comes from: values where they are there, producers where they are not."""
    return tuple(_binding(op, use) for use in op.stage.inputs)


def run_outputs(run: LiveRun) -> dict[str, Value]:
    """What a run whose operations are all done gives to its caller."""
    return {
        name: _gathered(run, stage, output) for name, (stage, output) in run.graph.outputs.items()
    }


def held_values(op: LiveOperation) -> list[Value]:
    """Values that are there already and that the operation reads."""
    there = [use for use in op.stage.inputs if use.stage or use.output in op.run.inputs]
    sources = [source for use in there for source in _binding(op, use).sources]
    return [source.value for source in sources if source.value is not None]


def _is_input_list(stage: Stage) -> bool:
    return bool(stage.fan_out) and "." not in stage.fan_out


def _stage(graph: Workload, name: str) -> Stage:
    return next(stage for stage in graph.stages if stage.name == name)


def _items(state: State, run: LiveRun, stage: Stage) -> list[int | None]:
    if not stage.fan_out:
        return [None]
    known = length(run, stage.fan_out)
    if known is not None:
        run.lengths[stage.fan_out] = known
        return list(range(known))
    return list(range(_expected(state, run, stage)))


def _expected(state: State, run: LiveRun, stage: Stage) -> int:
    total, times = state.items_seen.get((run.graph.name, stage.fan_out), (0, 0))
    return (total + times // 2) // times if times else max(0, stage.expected_items)


def _operation(
    before: dict[str, LiveOperation], run: LiveRun, stage: Stage, item: int | None
) -> LiveOperation:
    name = operation_id(run.id, stage.name, item)
    op = before.get(name) or LiveOperation(id=name, run=run, stage=stage, item=item)
    is_expected = bool(stage.fan_out) and stage.fan_out not in run.lengths
    if is_expected:
        op.state = OperationState.EXPECTED
    elif op.state is OperationState.EXPECTED:
        op.state = OperationState.WAITING
    return op


def _link(run: LiveRun) -> None:
    """Set producers, consumers and edges of all operations."""
    consumers: dict[str, dict[str, None]] = {name: {} for name in run.operations}
    for op in run.operations.values():
        sizes = _producers(run, op)
        op.producers = tuple(sizes)
        op.edges = tuple(
            Edge(source=name, target=op.id, size_bytes=size) for name, size in sizes.items()
        )
        for name in sizes:
            consumers[name][op.id] = None
    for name, found in consumers.items():
        run.operations[name].consumers = tuple(found)


def _producers(run: LiveRun, op: LiveOperation) -> dict[str, int]:
    """Operations that one waits for, with the bytes it is expected to take from each."""
    sizes: dict[str, int] = {}
    for use in op.stage.inputs:
        if use.stage:
            size = _stage(run.graph, use.stage).output_bytes.get(use.output, 0)
            for name in _sources(run, op, use):
                sizes[name] = sizes.get(name, 0) + size
    for fan_out in _awaited_lists(run, op):
        sizes.setdefault(operation_id(run.id, fan_out.partition(".")[0], None), 0)
    return sizes


def _sources(run: LiveRun, op: LiveOperation, use: StageInput) -> list[str]:
    producer = _stage(run.graph, use.stage)
    if not producer.fan_out:
        return [operation_id(run.id, use.stage, None)]
    if use.take is not Take.GATHER:
        return [operation_id(run.id, use.stage, op.item)]
    return _all_items(run, use.stage)


def _all_items(run: LiveRun, stage: str) -> list[str]:
    # Operations are kept in topological order, and those of one stage in the order of the items.
    return [op.id for op in run.operations.values() if op.stage.name == stage]


def _awaited_lists(run: LiveRun, op: LiveOperation) -> list[str]:
    """Fan-outs of unknown length that the operation is part of, or gathers.

    It waits for the list itself too: by estimate there may be no operation in between.
    """
    gathered = [_stage(run.graph, use.stage).fan_out for use in op.stage.inputs if use.stage]
    found = dict.fromkeys(_root(run.graph, name) for name in [op.stage.fan_out, *gathered] if name)
    return [name for name in found if "." in name and name not in run.lengths]


def _root(graph: Workload, fan_out: str) -> str:
    """Find the fan-out that sets the length, when a list is itself what a fanned-out stage gave."""
    stage, _, output = fan_out.partition(".")
    inner = _stage(graph, stage).fan_out if output else ""
    return _root(graph, inner) if inner else fan_out


def _binding(op: LiveOperation, use: StageInput) -> Binding:
    run = op.run
    if not use.stage:
        value = run.inputs[use.output]
        source = Source(value=_element(value, op.item) if use.take is Take.ELEMENT else value)
        return Binding(name=use.name, sources=(source,))
    is_fanned = bool(_stage(run.graph, use.stage).fan_out)
    item = op.item if use.take is Take.ELEMENT and not is_fanned else None
    sources = tuple(
        _source(run.operations[name], use.output, item) for name in _sources(run, op, use)
    )
    return Binding(name=use.name, sources=sources, gather=is_fanned and use.take is Take.GATHER)


def _source(producer: LiveOperation, output: str, item: int | None) -> Source:
    if producer.state is not OperationState.DONE:
        return Source(operation=producer.id, output=output, item=item)
    value = producer.outputs[output]
    return Source(value=value if item is None else _element(value, item))


def _element(value: Value, item: int | None) -> Value:
    assert item is not None
    return Value(tensors=(value.tensors[item],))


def _gathered(run: LiveRun, stage: str, output: str) -> Value:
    if not _stage(run.graph, stage).fan_out:
        return run.operations[operation_id(run.id, stage, None)].outputs[output]
    tensors: list[TensorRef] = []
    for name in _all_items(run, stage):
        tensors.extend(run.operations[name].outputs[output].tensors)
    return Value(tensors=tuple(tensors), is_list=True)
