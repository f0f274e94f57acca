"""Partitions as they are answered: each piece with its verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from api.http.show.models import verdicts_on
from api.store.catalogue import ModelRecord
from api.store.partitions import PartitionRecord, PieceRecord
from scheduler.model.messages import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceAnswer:
    """A piece of a partition, and its measurements on each machine.

    Parameters
    ----------
    model
        Name of the piece, by which its profiles are asked for.
    run_us
        Least time of a run where it was proven, on one core.
    crossing_bytes
        Bytes that it gives to later pieces.
    """

    model: str
    digest: str
    size_bytes: int
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    run_us: int
    crossing_bytes: int
    profiles: list[Profile]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionAnswer:
    """A proven cut of a model into pieces.

    Parameters
    ----------
    cuts
        Per cut the tensors that cross it.
    whole_us
        Least time of a run of the whole, beside those of the pieces.
    inputs_tried, is_bitwise, error
        Inputs of the proof; equality bit by bit, or the largest relative error.
    provider, share
        Provider that it was made for, and the share of the model's time in pieces that it runs
        right; empty and 0 if it was made for none.
    """

    id: str
    cuts: list[list[str]]
    pieces: list[PieceAnswer]
    whole_us: int
    inputs_tried: int
    is_bitwise: bool
    error: float
    provider: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionList:
    """All partitions of a model, oldest first."""

    model: str
    partitions: list[PartitionAnswer]


def partition_answer(
    partition: PartitionRecord, models: Mapping[str, ModelRecord], profiles: Sequence[Profile]
) -> PartitionAnswer:
    """Put what is known of its pieces into a partition."""
    return PartitionAnswer(
        id=partition.id,
        cuts=[list(cut) for cut in partition.cuts],
        pieces=[_piece(each, models[each.model], profiles) for each in partition.pieces],
        whole_us=partition.whole_us,
        inputs_tried=partition.inputs_tried,
        is_bitwise=partition.is_bitwise,
        error=partition.error,
        provider=partition.provider,
        share=partition.share,
    )


def _piece(piece: PieceRecord, record: ModelRecord, profiles: Sequence[Profile]) -> PieceAnswer:
    return PieceAnswer(
        model=piece.model,
        digest=record.digest,
        size_bytes=record.size_bytes,
        inputs=msgspec.to_builtins(record.inputs),
        outputs=msgspec.to_builtins(record.outputs),
        run_us=piece.run_us,
        crossing_bytes=piece.crossing_bytes,
        profiles=verdicts_on(record, profiles),
    )
