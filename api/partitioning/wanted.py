"""Messages between the service and the child that cuts a model."""

from __future__ import annotations

import msgspec

from devices.models import ModelLimits, TensorInfo
from scheduler.model.messages import Value

MAX_PIECES = 6
"""More pieces lose more fusions and dispatches than a shorter longest piece is worth."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The partition that somebody asks for: exactly one of these is given.

    Parameters
    ----------
    pieces
        Number of pieces, of which the longest is to be as short as can be; 0 if not given.
    within_us
        Longest time of a piece on a core of this box, with as few pieces as do; 0 if not given.
    cuts
        Per cut the names of the tensors that cross it.
    provider
        Provider that is to run as much of the model as it can, by its name in the catalogue.
    """

    pieces: int = 0
    within_us: int = 0
    cuts: tuple[tuple[str, ...], ...] = ()
    provider: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A model file, the inputs that its pieces are proven on, and the partition that is wanted.

    Parameters
    ----------
    folder
        Takes the files of the pieces.
    """

    path: str
    folder: str
    shapes: dict[str, tuple[int, ...]]
    examples: dict[str, Value]
    wanted: Wanted
    limits: ModelLimits


class MadePiece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece in a file of its own.

    Parameters
    ----------
    file
        Name in the folder.
    shapes
        Of its inputs, where the whole has those that it is measured with.
    run_us
        Least time of a run in the proof.
    crossing_bytes
        Bytes that it gives to later pieces.
    """

    file: str
    digest: str
    size_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    shapes: dict[str, tuple[int, ...]]
    run_us: int
    crossing_bytes: int


class MadePartition(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces in the order in which they run, with their proof.

    Parameters
    ----------
    cuts
        Per cut the tensors that cross it: asked for again, they make the same partition.
    whole_us
        Least time of a run of the whole, beside those of the pieces.
    inputs_tried, is_bitwise, error
        As `Proof` has them.
    share
        Share of the time of the whole that is in pieces which the wanted provider ran right; 0 if
        none was wanted.
    """

    cuts: tuple[tuple[str, ...], ...]
    pieces: tuple[MadePiece, ...]
    whole_us: int
    inputs_tried: int
    is_bitwise: bool
    error: float
    share: float = 0.0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Output of the child: a partition, or the reason of a refusal with its field."""

    made: MadePartition | None = None
    refusal: str = ""
    field: str = ""
