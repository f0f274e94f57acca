"""Inputs of operations: their bindings, their values, their shapes, and the outputs of a run."""

from __future__ import annotations

from scheduler.control.records import OperationState
from scheduler.control.state.fleet import Shapes
from scheduler.control.state.graph import all_items, operation_id, sources_of, stage_of
from scheduler.control.state.operations import LiveOperation, LiveRun, is_ready
from scheduler.control.workload import StageInput, Take
from scheduler.model.messages import Binding, Source, TensorRef, Value, WorkKind


def bindings(op: LiveOperation) -> tuple[Binding, ...]:
    """Bindings of the inputs: values if they are there, producers if they are not."""
    return tuple(_binding(op, use) for use in op.stage.inputs)


def run_outputs(run: LiveRun) -> dict[str, Value]:
    """Outputs of a run whose operations are all done."""
    return {
        name: _gathered(run, stage, output) for name, (stage, output) in run.graph.outputs.items()
    }


def held_values(op: LiveOperation) -> list[Value]:
    """Values that are there already and that the operation reads."""
    there = [use for use in op.stage.inputs if use.stage or use.output in op.run.inputs]
    sources = [source for use in there for source in _binding(op, use).sources]
    return [source.value for source in sources if source.value is not None]


def _binding(op: LiveOperation, use: StageInput) -> Binding:
    run = op.run
    if not use.stage:
        value = run.inputs[use.output]
        source = Source(value=_element(value, op.item) if use.take is Take.ELEMENT else value)
        return Binding(name=use.name, sources=(source,))
    is_fanned = bool(stage_of(run.graph, use.stage).fan_out)
    item = op.item if use.take is Take.ELEMENT and not is_fanned else None
    sources = tuple(
        _source(run.operations[name], use.output, item) for name in sources_of(run, op, use)
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
    if not stage_of(run.graph, stage).fan_out:
        return run.operations[operation_id(run.id, stage, None)].outputs[output]
    tensors: list[TensorRef] = []
    for name in all_items(run, stage):
        tensors.extend(run.operations[name].outputs[output].tensors)
    return Value(tensors=tuple(tensors), is_list=True)


def input_shapes(op: LiveOperation) -> Shapes:
    """Shapes of the inputs, as soon as all of them are there; nothing before, or for lists."""
    if op.shapes is None and is_ready(op) and op.stage.kind is not WorkKind.PROFILE:
        values = held_values(op)
        is_plain = len(values) == len(op.stage.inputs) and not any(v.is_list for v in values)
        names = [use.name for use in op.stage.inputs]
        found = zip(names, values, strict=False)
        op.shapes = (
            tuple(sorted((name, value.tensors[0].shape) for name, value in found))
            if is_plain and all(value.tensors for value in values)
            else ()
        )
    return op.shapes or ()
