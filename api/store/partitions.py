"""Records of partitions: proven cuts of a model, kept with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceRecord:
    """A piece of a partition: a model under a name that no user can give.

    Parameters
    ----------
    run_us
        Least time of a run where its proof was made, on one core.
    crossing_bytes
        Bytes that it gives to later pieces.
    """

    model: str
    digest: str
    run_us: int
    crossing_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRecord:
    """A proven cut of a model into pieces that run one after the other, or side by side.

    Parameters
    ----------
    id
        By the content of its pieces: the same cut has the same one.
    cuts
        Per cut the tensors that cross it.
    whole_us
        Least time of a run of the whole, beside those of the pieces.
    inputs_tried, is_bitwise, error
        Inputs that the proof was made on; equality of all outputs bit by bit, or the largest error
        relative to the largest value of an output.
    provider, share
        Provider that it was made for, and the share of the model's time in pieces that it ran right
        where it was tried; empty and 0 if it was made for none.
    """

    id: str
    cuts: tuple[tuple[str, ...], ...]
    pieces: tuple[PieceRecord, ...]
    whole_us: int
    inputs_tried: int
    is_bitwise: bool
    error: float
    provider: str = ""
    share: float = 0.0
