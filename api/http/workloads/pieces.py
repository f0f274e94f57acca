"""Stages that run in pieces: each becomes a stage per piece, with tensors between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from api.http.errors import choices
from api.http.schemas import StageSpec, WorkloadSpec
from api.http.workloads.sizes import estimated_bytes
from api.http.workloads.targets import Targets, type_of_info
from api.store.catalogue import ModelRecord
from api.store.partitions import PartitionRecord
from scheduler.control.workload import Stage, StageInput, Take, Workload
from scheduler.model.errors import InvalidWorkload

_Source = tuple[str, str]
"""A stage and an output of it."""


def in_pieces(workload: Workload, spec: WorkloadSpec, targets: Targets) -> Workload:
    """Expand the stages that name a partition, and have all others read from the pieces.

    Raises
    ------
    InvalidWorkload
        If a stage names a partition that its model has not, or is of no model.
    """
    chosen = {
        stage.name: found
        for index, stage in enumerate(spec.stages)
        if (found := _partition(stage, f"stages[{index}]", targets)) is not None
    }
    if not chosen:
        return workload
    stages: list[Stage] = []
    moved: dict[_Source, str] = {}
    for stage in workload.stages:
        if stage.name not in chosen:
            stages.append(stage)
            continue
        pieces = _pieces(stage, [targets.pieces[p.model] for p in chosen[stage.name].pieces])
        moved |= {(stage.name, output): p.name for p in pieces for output in p.outputs}
        stages += pieces
    return replace(
        workload,
        stages=tuple(replace(stage, inputs=_from(stage.inputs, moved)) for stage in stages),
        outputs={
            name: (moved.get(source, source[0]), source[1])
            for name, source in workload.outputs.items()
        },
    )


def _partition(stage: StageSpec, where: str, targets: Targets) -> PartitionRecord | None:
    """The partition that a stage runs in; ``None`` if it runs as a whole."""
    if stage.partition is None and stage.pieces is None:
        return None
    if stage.model is None or (stage.partition is not None and stage.pieces is not None):
        law = "must have a model, and either partition or pieces, to run in pieces"
        got = "a function" if stage.model is None else "both"
        raise InvalidWorkload(f"{where} {law}; got {got}", field=where)
    known = targets.models[stage.model].partitions
    if stage.partition is not None:
        found = [each for each in known if each.id == stage.partition]
        field, got, names = "partition", repr(stage.partition), [each.id for each in known]
    else:
        found = [each for each in known if len(each.pieces) == stage.pieces]
        field, got = "pieces", str(stage.pieces)
        names = [str(size) for size in sorted({len(each.pieces) for each in known})]
    if not found:
        law = f"{where}.{field} must be of a partition of model {stage.model!r}"
        there = choices(names) if names else "it has none: ask for one first"
        raise InvalidWorkload(f"{law}; got {got} ({there})", field=f"{where}.{field}")
    return min(found, key=lambda each: max(piece.run_us for piece in each.pieces))


def _pieces(whole: Stage, records: Sequence[ModelRecord]) -> list[Stage]:
    """The stages of the pieces of a stage."""
    given = {each.name: each for each in whole.inputs}
    names = [f"{whole.name}#{i}of{len(records)}" for i in range(1, len(records) + 1)]
    take = Take.SAME_ITEM if whole.fan_out else Take.WHOLE
    made: dict[str, str] = {}
    stages = []
    for place, (name, record) in enumerate(zip(names, records, strict=True)):
        later = {info.name for other in records[place + 1 :] for info in other.inputs}
        outputs = {
            info.name: estimated_bytes(type_of_info(info))
            for info in record.outputs
            if info.name in later or info.name in whole.outputs
        }
        stages.append(
            replace(
                whole,
                name=name,
                target=record.name,
                digest=record.digest,
                inputs=tuple(
                    StageInput(name=i.name, stage=made[i.name], output=i.name, take=take)
                    if i.name in made
                    else given[i.name]
                    for i in record.inputs
                ),
                outputs=tuple(outputs),
                output_bytes=outputs,
            )
        )
        made |= dict.fromkeys(outputs, name)
    return stages


def _from(inputs: Sequence[StageInput], moved: Mapping[_Source, str]) -> tuple[StageInput, ...]:
    return tuple(
        replace(each, stage=moved.get((each.stage, each.output), each.stage)) for each in inputs
    )
