"""From a workload to operations: fan-outs that grow at run time, and what each input comes from."""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.control.records import OperationState
from scheduler.control.state.operations import ENDED, LiveOperation, LiveRun
from scheduler.control.state.state import State
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.messages import Binding, Source, TensorRef, Value
from scheduler.model.problem import Edge

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


def expand(state: State, run: LiveRun) -> list[str]:
    """Give a run the operations that it has by what is known now; returns the ids that vanished.

    Operations that are there already keep all that happened to them. Of a long fan-out only as many
    items get operations as can be planned for at once; the rest is a number, which `top_up` turns
    into operations as the first are done.
    """
    before, run.operations, run.items = run.operations, {}, {}
    for stage in run.graph.stages:
        ops = [_operation(before, run, stage, item) for item in _items(state, run, stage)]
        run.items[stage.name] = ops
        run.operations.update({op.id: op for op in ops})
    for op in run.operations.values():
        op.consumers = []
    _link(run, run.operations.values())
    run.open = {op.id: op for op in run.operations.values() if op.state not in ENDED}
    run.rest = _rest(run)
    run.total = len(run.operations) + run.rest
    run.changed.update({name: None for name in run.operations if name not in before})
    vanished = [name for name in before if name not in run.operations]
    for name in vanished:
        run.changed.pop(name, None)
        run.gone[before[name].order] = None
    return vanished


def top_up(state: State, run: LiveRun) -> list[LiveOperation]:
    """Turn more of the rest of a run into operations, where few of its others are left to do.

    Gives the operations that are new.
    """
    most = state.settings.plan_horizon_operations
    if not run.rest or len(run.open) > most // 2:
        return []
    _reach_further(run, most - len(run.open))
    fresh: list[LiveOperation] = []
    for stage in run.graph.stages:
        there = len(run.items[stage.name])
        if not there or stage.fan_out in run.lengths:
            items = _items(state, run, stage)[there:]
            fresh += [_added(run, stage, item) for item in items]
    _link(run, fresh)
    run.open.update({op.id: op for op in fresh})
    run.changed.update({op.id: None for op in fresh})
    run.rest = _rest(run)
    run.total = len(run.operations) + run.rest
    return fresh


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
    """Items of a stage that have operations; none while what it gathers has a rest."""
    if _waits_for_rest(run, stage):
        return []
    if not stage.fan_out:
        return [None]
    known = length(run, stage.fan_out)
    if known is None:
        return list(range(min(_expected(state, run, stage), _window(state, run, stage))))
    run.lengths[stage.fan_out] = known
    root = _root(run.graph, stage.fan_out)
    count = run.expanded.setdefault(root, min(known, _window(state, run, stage)))
    return list(range(count))


def _window(state: State, run: LiveRun, stage: Stage) -> int:
    """Items of a fan-out that get operations at first: one plan holds no more."""
    stages = _fan_outs(run.graph)[_root(run.graph, stage.fan_out)]
    return max(1, state.settings.plan_horizon_operations // len(stages))


def _reach_further(run: LiveRun, room: int) -> None:
    """Have fan-outs reach as many more of their items as there is room for operations.

    Where nothing else is left to do one item has room, however many stages it goes through.
    """
    is_bare = not run.open
    for root, stages in _fan_outs(run.graph).items():
        if root in run.expanded:
            running = sum(not _waits_for_rest(run, stage) for stage in stages)
            most = max(int(is_bare), room // max(1, running))
            more = min(_rest_of(run, root), most)
            run.expanded[root] += more
            room = max(0, room - more * running)
            is_bare = is_bare and not more


def _waits_for_rest(run: LiveRun, stage: Stage) -> bool:
    """True if a stage gathers from a fan-out, or follows one that does, that has a rest."""
    for use in stage.inputs:
        if not use.stage:
            continue
        producer = _stage(run.graph, use.stage)
        is_gathered = bool(producer.fan_out) and use.take is Take.GATHER
        if is_gathered and _rest_of(run, _root(run.graph, producer.fan_out)):
            return True
        if _waits_for_rest(run, producer):
            return True
    return False


def _order(graph: Workload, stage: Stage, item: int | None) -> int:
    return graph.stages.index(stage) * MOST_ITEMS + (item or 0)


def _rest_of(run: LiveRun, root: str) -> int:
    """Items of a fan-out that have no operations yet."""
    count = length(run, root)
    return 0 if count is None else count - run.expanded.get(root, count)


def _rest(run: LiveRun) -> int:
    """How many operations are only a number: items that are not reached, and what gathers them."""
    if not any(_rest_of(run, root) for root in _fan_outs(run.graph)):
        return 0
    return sum(_rest_of_stage(run, stage) for stage in run.graph.stages)


def _rest_of_stage(run: LiveRun, stage: Stage) -> int:
    if _waits_for_rest(run, stage):
        known = length(run, stage.fan_out) if stage.fan_out else None
        return 1 if known is None else known
    return _rest_of(run, _root(run.graph, stage.fan_out)) if stage.fan_out else 0


def _fan_outs(graph: Workload) -> dict[str, list[Stage]]:
    """The stages that run once per item, by the list that sets how many items there are."""
    found: dict[str, list[Stage]] = {}
    for stage in graph.stages:
        if stage.fan_out:
            found.setdefault(_root(graph, stage.fan_out), []).append(stage)
    return found


def _added(run: LiveRun, stage: Stage, item: int | None) -> LiveOperation:
    op = _operation({}, run, stage, item)
    run.operations[op.id] = op
    run.items[stage.name].append(op)
    return op


def _expected(state: State, run: LiveRun, stage: Stage) -> int:
    """Items that a list of unknown length is expected to have: the same for all that follow it."""
    root = _root(run.graph, stage.fan_out)
    total, times = state.items_seen.get((run.graph.name, root), (0, 0))
    if times:
        return (total + times // 2) // times
    return max(each.expected_items for each in _fan_outs(run.graph)[root])


def _operation(
    before: dict[str, LiveOperation], run: LiveRun, stage: Stage, item: int | None
) -> LiveOperation:
    name = operation_id(run.id, stage.name, item)
    op = before.get(name) or LiveOperation(
        id=name, run=run, stage=stage, item=item, order=_order(run.graph, stage, item)
    )
    is_expected = bool(stage.fan_out) and stage.fan_out not in run.lengths
    if is_expected:
        op.state = OperationState.EXPECTED
    elif op.state is OperationState.EXPECTED:
        op.state = OperationState.WAITING
        run.changed[op.id] = None
    return op


def _link(run: LiveRun, ops: Iterable[LiveOperation]) -> None:
    """Set producers and edges of operations, and make them known to those that they wait for."""
    for op in ops:
        sizes = _producers(run, op)
        if op.producers != tuple(sizes):
            op.producers = tuple(sizes)
            run.changed[op.id] = None
        op.edges = tuple(
            Edge(source=name, target=op.id, size_bytes=size) for name, size in sizes.items()
        )
        op.unmet = {
            edge.source: edge
            for edge in op.edges
            if run.operations[edge.source].state is not OperationState.DONE
        }
        for name in sizes:
            run.operations[name].consumers.append(op.id)


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
    return [op.id for op in run.items[stage]]


def list_makers(op: LiveOperation) -> list[LiveOperation]:
    """The operations that made these lists: where they are empty, nothing is in between."""
    run = op.run
    stages = (name.partition(".")[0] for name in _lists(run, op))
    return [run.operations[operation_id(run.id, stage, None)] for stage in stages]


def gathers_unknown(op: LiveOperation) -> bool:
    """True if an operation takes all items of a list that is not there: nobody knows which yet."""
    gathers = any(use.take is Take.GATHER for use in op.stage.inputs)
    return gathers and bool(op.unmet) and bool(_awaited_lists(op.run, op))


def _awaited_lists(run: LiveRun, op: LiveOperation) -> list[str]:
    """Fan-outs of unknown length that the operation is part of, or gathers.

    It waits for the list itself too: by estimate there may be no operation in between.
    """
    return [name for name in _lists(run, op) if name not in run.lengths]


def _lists(run: LiveRun, op: LiveOperation) -> list[str]:
    """The lists of stages that say how many items an operation gathers, or is one of."""
    gathered = [_stage(run.graph, use.stage).fan_out for use in op.stage.inputs if use.stage]
    found = dict.fromkeys(_root(run.graph, name) for name in [op.stage.fan_out, *gathered] if name)
    return [name for name in found if "." in name]


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
