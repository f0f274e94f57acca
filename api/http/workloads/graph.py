"""The graph of a posted workload: its references, its order, its cycles."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

from api.http.errors import choices
from api.http.schemas import StageSpec, WorkloadSpec
from scheduler.model.errors import InvalidWorkload


def split(reference: str) -> tuple[str, str]:
    """Stage and output of a reference; an empty stage stands for an input of the workload.

    Examples
    --------
    >>> split("detect.boxes.0"), split("image")
    (('detect', 'boxes.0'), ('', 'image'))
    """
    stage, dot, output = reference.partition(".")
    return (stage, output) if dot else ("", reference)


def check_unique(spec: WorkloadSpec) -> None:
    """Refuse two stages of one name."""
    first: dict[str, int] = {}
    for index, stage in enumerate(spec.stages):
        if stage.name in first:
            place = f"stages[{index}].name"
            got = f"got {stage.name!r}, as stages[{first[stage.name]}]"
            raise InvalidWorkload(f"{place} must be unique; {got}", field=place)
        first[stage.name] = index


def check_references(spec: WorkloadSpec) -> None:
    """Refuse references to inputs or stages that are not there."""
    stages = {stage.name for stage in spec.stages}
    for place, reference in _all_references(spec):
        stage, output = split(reference)
        if not stage and output not in spec.inputs:
            known = [*spec.inputs, *(f"{name}.…" for name in sorted(stages))]
            law = f"{place} must name an input or stage.output"
            raise InvalidWorkload(f"{law}; got {reference!r} ({choices(known)})", field=place)
        if stage and stage not in stages:
            law = f"{place} must name a stage of the workload"
            raise InvalidWorkload(f"{law}; got {stage!r} ({choices(stages)})", field=place)


def check_bound(stage: StageSpec, wanted: Mapping[str, object], where: str) -> None:
    """Refuse a stage with an input that its target lacks, or without one that it needs."""
    target = stage.model or stage.function
    for name in stage.inputs:
        if name not in wanted:
            place = f"{where}.inputs.{name}"
            law = f"{place} must be an input of {target!r}"
            raise InvalidWorkload(f"{law}; got {name!r} ({choices(wanted)})", field=place)
    for name, kind in wanted.items():
        if name not in stage.inputs:
            place = f"{where}.inputs.{name}"
            raise InvalidWorkload(f"{place} must be given: {kind}; got nothing", field=place)


def check_inputs_used(spec: WorkloadSpec) -> None:
    """Refuse an input that no stage takes: it is a typo, or a waste of every caller's time."""
    used = {split(reference) for _, reference in _all_references(spec)}
    for name in spec.inputs:
        if ("", name) not in used:
            place = f"inputs.{name}"
            raise InvalidWorkload(f"{place} must be used by a stage; got no use", field=place)


def read_outputs(spec: WorkloadSpec) -> dict[str, set[str]]:
    """Outputs that somebody reads, per stage."""
    read: dict[str, set[str]] = {stage.name: set() for stage in spec.stages}
    for _, reference in _all_references(spec):
        stage, output = split(reference)
        if stage:
            read[stage].add(output)
    return read


def topological_order(spec: WorkloadSpec) -> list[int]:
    """Indices of the stages, each after those that it needs; else in the order given.

    Raises
    ------
    InvalidWorkload
        If there is a cycle; the message walks it.
    """
    index = {stage.name: position for position, stage in enumerate(spec.stages)}
    needs = [{index[name] for name in _producers(stage)} for stage in spec.stages]
    waiting = [len(producers) for producers in needs]
    consumers: list[list[int]] = [[] for _ in needs]
    for consumer, producers in enumerate(needs):
        for producer in producers:
            consumers[producer].append(consumer)
    ready = [position for position, count in enumerate(waiting) if not count]
    order = []
    while ready:
        position = heapq.heappop(ready)
        order.append(position)
        for consumer in consumers[position]:
            waiting[consumer] -= 1
            if not waiting[consumer]:
                heapq.heappush(ready, consumer)
    if len(order) < len(needs):
        cycle = [spec.stages[position].name for position in _cycle(needs, waiting)]
        walk = " -> ".join(cycle)
        raise InvalidWorkload(f"stages must not form a cycle; got {walk}", field="stages")
    return order


def _cycle(needs: list[set[int]], waiting: list[int]) -> list[int]:
    """A cycle among the stages that still wait, from producer to consumer, closed."""
    position = next(index for index, count in enumerate(waiting) if count)
    seen: dict[int, int] = {}
    walk: list[int] = []
    # A stage that waits has a producer that waits, so walking back must come round.
    while position not in seen:
        seen[position] = len(walk)
        walk.append(position)
        position = min(producer for producer in needs[position] if waiting[producer])
    return [*walk[seen[position] :], position][::-1]


def _producers(stage: StageSpec) -> set[str]:
    references = [*stage.inputs.values(), *([stage.for_each] if stage.for_each else [])]
    return {split(reference)[0] for reference in references} - {""}


def _all_references(spec: WorkloadSpec) -> Iterator[tuple[str, str]]:
    """Every reference with its place."""
    for index, stage in enumerate(spec.stages):
        if stage.for_each is not None:
            yield f"stages[{index}].for_each", stage.for_each
        for name, reference in stage.inputs.items():
            yield f"stages[{index}].inputs.{name}", reference
    for name, reference in spec.outputs.items():
        yield f"outputs.{name}", reference
