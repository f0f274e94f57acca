"""Expansion of a workload to operations: fan-outs grow at run time, and operations are linked."""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.control.records import OperationState
from scheduler.control.state.graph import (
    MOST_ITEMS,
    awaited_lists,
    length,
    operation_id,
    root_of,
    sources_of,
    stage_of,
)
from scheduler.control.state.operations import ENDED, LiveOperation, LiveRun
from scheduler.control.state.state import State
from scheduler.control.state.transitions import list_known
from scheduler.control.workload import Stage, Take, Workload
from scheduler.model.problem import Edge


def expand(state: State, run: LiveRun) -> list[str]:
    """Give a run the operations that are known by now; returns the ids that vanished.

    Operations that are there already keep all that happened to them. Of a long fan-out only as many
    items get operations as can be planned for at once; the rest is a number, which `top_up` turns
    into operations as the first are done.
    """
    before, run.operations, run.items = run.operations, {}, {}
    for stage in run.graph.stages:
        ops = [_operation(state, before, run, stage, item) for item in _items(state, run, stage)]
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
            fresh += [_added(state, run, stage, item) for item in items]
    _link(run, fresh)
    run.open.update({op.id: op for op in fresh})
    run.changed.update({op.id: None for op in fresh})
    run.rest = _rest(run)
    run.total = len(run.operations) + run.rest
    return fresh


def _items(state: State, run: LiveRun, stage: Stage) -> list[int | None]:
    """Items of a stage that have operations; none while the fan-out that it gathers has a rest."""
    if _waits_for_rest(run, stage):
        return []
    if not stage.fan_out:
        return [None]
    known = length(run, stage.fan_out)
    if known is None:
        return list(range(min(_expected(state, run, stage), _window(state, run, stage))))
    run.lengths[stage.fan_out] = known
    root = root_of(run.graph, stage.fan_out)
    count = run.expanded.setdefault(root, min(known, _window(state, run, stage)))
    return list(range(count))


def _window(state: State, run: LiveRun, stage: Stage) -> int:
    """Items of a fan-out that get operations at first: one plan holds no more."""
    stages = _fan_outs(run.graph)[root_of(run.graph, stage.fan_out)]
    return max(1, state.settings.plan_horizon_operations // len(stages))


def _reach_further(run: LiveRun, room: int) -> None:
    """Have fan-outs reach as many more of their items as there is room for operations.

    If nothing else is left to do one item has room, however many stages it goes through.
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
        producer = stage_of(run.graph, use.stage)
        is_gathered = bool(producer.fan_out) and use.take is Take.GATHER
        if is_gathered and _rest_of(run, root_of(run.graph, producer.fan_out)):
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
    """Count the operations that are only a number: items not reached, and those that gather."""
    if not any(_rest_of(run, root) for root in _fan_outs(run.graph)):
        return 0
    return sum(_rest_of_stage(run, stage) for stage in run.graph.stages)


def _rest_of_stage(run: LiveRun, stage: Stage) -> int:
    if _waits_for_rest(run, stage):
        known = length(run, stage.fan_out) if stage.fan_out else None
        return 1 if known is None else known
    return _rest_of(run, root_of(run.graph, stage.fan_out)) if stage.fan_out else 0


def _fan_outs(graph: Workload) -> dict[str, list[Stage]]:
    """The stages that run once per item, by the list that sets how many items there are."""
    found: dict[str, list[Stage]] = {}
    for stage in graph.stages:
        if stage.fan_out:
            found.setdefault(root_of(graph, stage.fan_out), []).append(stage)
    return found


def _added(state: State, run: LiveRun, stage: Stage, item: int | None) -> LiveOperation:
    op = _operation(state, {}, run, stage, item)
    run.operations[op.id] = op
    run.items[stage.name].append(op)
    return op


def _expected(state: State, run: LiveRun, stage: Stage) -> int:
    """Items that a list of unknown length is expected to have: the same for all that follow it."""
    root = root_of(run.graph, stage.fan_out)
    total, times = state.items_seen.get((run.graph.name, root), (0, 0))
    if times:
        return (total + times // 2) // times
    return max(each.expected_items for each in _fan_outs(run.graph)[root])


def _operation(
    state: State,
    before: dict[str, LiveOperation],
    run: LiveRun,
    stage: Stage,
    item: int | None,
) -> LiveOperation:
    name = operation_id(run.id, stage.name, item)
    is_expected = bool(stage.fan_out) and stage.fan_out not in run.lengths
    op = before.get(name)
    if op is None:
        return LiveOperation(
            id=name,
            run=run,
            stage=stage,
            item=item,
            order=_order(run.graph, stage, item),
            state=OperationState.EXPECTED if is_expected else OperationState.WAITING,
        )
    if op.state is OperationState.EXPECTED and not is_expected:
        list_known(op, state.now_us)
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
            size = stage_of(run.graph, use.stage).output_bytes.get(use.output, 0)
            for name in sources_of(run, op, use):
                sizes[name] = sizes.get(name, 0) + size
    for fan_out in awaited_lists(run, op):
        sizes.setdefault(operation_id(run.id, fan_out.partition(".")[0], None), 0)
    return sizes
