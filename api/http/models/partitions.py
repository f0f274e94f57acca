"""Partitions of a model: made in a child, kept as models of their own beside the whole."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from api.http.context import Context
from api.http.models.files import drop_unused_file, keep
from api.http.schemas import PartitionSpec
from api.oracle.counting import PART_SUFFIX, Counted, count_all_in_child
from api.partitioning import MadePartition, MadePiece, Wanted, partition_in_child
from api.store.catalogue import ModelRecord, TensorInfo
from api.store.partitions import PartitionRecord, PieceRecord
from devices.models import ModelLimits
from devices.tensors import DTYPES
from scheduler.control.events import ModelAdded, ModelRemoved
from scheduler.model.errors import (
    Conflict,
    DuplicateName,
    InvalidInput,
    InvalidModel,
    UnknownName,
)
from scheduler.model.measuring import Kind
from scheduler.model.messages import WorkKind

MAX_PARTITIONS = 6
"""Of a model: each piece is measured on every machine and provider."""
_DIGITS = 12


def wanted_of(spec: PartitionSpec) -> Wanted:
    """The partition that a body asks for.

    Raises
    ------
    InvalidInput
        If it asks for none, or by more than one field.
    """
    asked = [name for name, value in spec.model_dump().items() if value is not None]
    if len(asked) != 1:
        law = "exactly one of pieces, preemptible_within_ms, cuts and provider must be given"
        raise InvalidInput(f"{law}; got {' and '.join(asked) or 'none'}", field="body")
    return Wanted(
        pieces=spec.pieces or 0,
        within_us=round((spec.preemptible_within_ms or 0) * 1000),
        cuts=tuple(tuple(cut) for cut in spec.cuts or ()),
        provider=spec.provider or "",
    )


async def add_partition(
    name: str, wanted: Wanted, context: Context
) -> tuple[ModelRecord, PartitionRecord, bool]:
    """Cut a model and keep the pieces; the model, the partition, and true if that is new.

    Raises
    ------
    InvalidModel
        If there is no such cut, or its proof fails.
    Conflict
        If the model has as many partitions as it may have, or is a piece itself.
    """
    whole = await context.store.model(name)
    if whole.piece_of:
        raise Conflict(f"a piece is not cut again; {name!r} is one of {whole.piece_of!r}")
    limits = _limits(context)
    async with context.checking:
        with tempfile.TemporaryDirectory(suffix=PART_SUFFIX, dir=context.models_dir) as made_in:
            folder = Path(made_in)
            made = await asyncio.to_thread(_made, whole, wanted, folder, context, limits)
            counts = await asyncio.to_thread(_counted, made, folder, limits)
            async with context.filing:
                found = _record(name, made, wanted.provider)
                return await _keep(found, whole, made, counts, folder, context)


async def remove_partition(name: str, partition: str, context: Context) -> None:
    """Delete a partition of a model with its pieces. `Context.filing` is held meanwhile.

    Raises
    ------
    UnknownName
        If the model has no such partition.
    Conflict
        If a workload runs in its pieces.
    """
    whole = await context.store.model(name)
    gone = [each for each in whole.partitions if each.id == partition]
    if not gone:
        raise UnknownName(f"model {name!r} has no partition {partition!r}", field="partition")
    await refuse_if_used(
        {piece.model for piece in gone[0].pieces}, f"partition {partition!r}", context
    )
    left = tuple(each for each in whole.partitions if each.id != partition)
    await _change(replace(whole, partitions=left), context)
    await _remove_pieces(name, {piece.model for each in left for piece in each.pieces}, context)


async def remove_partitions(whole: ModelRecord, context: Context) -> None:
    """Delete all partitions of a model that goes. `Context.filing` is held meanwhile."""
    if whole.partitions:
        await _change(replace(whole, partitions=()), context)
    await _remove_pieces(whole.name, (), context)


async def _remove_pieces(name: str, kept: Collection[str], context: Context) -> None:
    """Delete the pieces of a model but for those to keep."""
    for record in await context.store.all_models():
        if record.piece_of == name and record.name not in kept:
            event = ModelRemoved(
                at_us=context.store.now_us(), name=record.name, digest=record.digest
            )
            await context.store.remove_model(event)
            await drop_unused_file(record.digest, context)


async def refuse_if_used(names: Collection[str], what: str, context: Context) -> None:
    """Refuse while a workload has a stage of one of these models or pieces.

    Raises
    ------
    Conflict
        If one has.
    """
    for workload in await context.store.workloads():
        stages = workload.workload.stages
        if any(stage.kind is WorkKind.MODEL and stage.target in names for stage in stages):
            law = f"{what} must be used by no workload"
            raise Conflict(f"{law}; {workload.key} uses it", field="name")


def _made(
    whole: ModelRecord, wanted: Wanted, folder: Path, context: Context, limits: ModelLimits
) -> MadePartition:
    path = context.model_path(whole.digest)
    if not path.is_file():
        raise UnknownName(f"the file of model {whole.name!r} is not here", field="name")
    return partition_in_child(
        path,
        wanted,
        folder=folder,
        shapes=whole.profile_shapes,
        examples=whole.examples,
        limits=limits,
    )


def _counted(made: MadePartition, folder: Path, limits: ModelLimits) -> Sequence[Counted | None]:
    asked = [(folder / piece.file, piece.shapes) for piece in made.pieces]
    try:
        return count_all_in_child(asked, limits)
    except InvalidModel:
        # Costs are advice: pieces that cannot be counted are measured all the same.
        return [None] * len(asked)


async def _keep(
    found: PartitionRecord,
    whole: ModelRecord,
    made: MadePartition,
    counts: Sequence[Counted | None],
    folder: Path,
    context: Context,
) -> tuple[ModelRecord, PartitionRecord, bool]:
    # Another request may have changed it meanwhile.
    whole = await context.store.model(whole.name)
    known = [each for each in whole.partitions if each.id == found.id]
    if known:
        return whole, known[0], False
    if len(whole.partitions) >= MAX_PARTITIONS:
        law = f"a model must have at most {MAX_PARTITIONS} partitions"
        raise Conflict(f"{law}; {whole.name!r} has them: delete one first", field="name")
    for piece, kept, count in zip(made.pieces, found.pieces, counts, strict=True):
        await _keep_piece(whole, piece, kept.model, count, folder, context)
    # Last of all: a partition that is listed has all of its pieces.
    changed = replace(whole, partitions=(*whole.partitions, found))
    await _change(changed, context)
    return changed, found, True


def _record(name: str, made: MadePartition, provider: str) -> PartitionRecord:
    content = "\n".join(piece.digest for piece in made.pieces)
    own = f"p-{hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]}"
    return PartitionRecord(
        id=own,
        cuts=made.cuts,
        pieces=tuple(
            PieceRecord(
                model=f"{name}#{own}.{place}of{len(made.pieces)}",
                digest=piece.digest,
                run_us=piece.run_us,
                crossing_bytes=piece.crossing_bytes,
            )
            for place, piece in enumerate(made.pieces, 1)
        ),
        whole_us=made.whole_us,
        inputs_tried=made.inputs_tried,
        is_bitwise=made.is_bitwise,
        error=made.error,
        provider=provider,
        share=made.share,
    )


async def _keep_piece(
    whole: ModelRecord,
    piece: MadePiece,
    name: str,
    count: Counted | None,
    folder: Path,
    context: Context,
) -> None:
    record = ModelRecord(
        name=name,
        digest=piece.digest,
        size_bytes=piece.size_bytes,
        inputs=tuple(_info(tensor.name, tensor.dtype, tensor.shape) for tensor in piece.inputs),
        outputs=tuple(_info(tensor.name, tensor.dtype, tensor.shape) for tensor in piece.outputs),
        created_us=whole.created_us,
        profile_shapes=piece.shapes,
        examples={k: v for k, v in whole.examples.items() if k in piece.shapes},
        piece_of=whole.name,
    )
    summary = count.kept.summary if count is not None else None
    event = ModelAdded(
        at_us=context.store.now_us(),
        name=name,
        digest=piece.digest,
        size_bytes=piece.size_bytes,
        profile_shapes=piece.shapes,
        kind=summary.kind if summary is not None else Kind.UNKNOWN,
        counts=count.checksum if count is not None else "",
        examples=record.examples,
    )
    await asyncio.to_thread(keep, folder / piece.file, piece.digest, count, context)
    try:
        await context.store.add_model(record, event)
    except DuplicateName:
        # Left over from a try that broke off: the piece of that name has this very content.
        await _change(record, context)


def _info(name: str, dtype: str, shape: tuple[int | str | None, ...] | None) -> TensorInfo:
    if dtype not in DTYPES:
        law = f"a model must be cut at tensors of types that are carried ({', '.join(DTYPES)})"
        raise InvalidModel(f"{law}; {name!r} is {dtype}", field="cuts")
    known = None if shape is None else tuple(-1 if size is None else size for size in shape)
    return TensorInfo(name=name, dtype=dtype, shape=known)


async def _change(record: ModelRecord, context: Context) -> None:
    event = ModelAdded(
        at_us=context.store.now_us(),
        name=record.name,
        digest=record.digest,
        size_bytes=record.size_bytes,
        profile_shapes=record.profile_shapes,
        examples=record.examples,
    )
    await context.store.change_model(record, event)


def _limits(context: Context) -> ModelLimits:
    settings = context.settings
    return ModelLimits(max_bytes=settings.max_model_bytes, memory_bytes=settings.check_bytes)
