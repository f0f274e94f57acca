"""Calls and their answers as bytes: two lengths, a header, then tensors as they are.

A frame is ``<II``: bytes of the header and of the body; the header in MessagePack; the body. Each
tensor begins at a multiple of `ALIGNMENT` in the body, so that the receiver can compute on it in
place. Tensors are little-endian and row-major; texts are a list in JSON (`devices.tensors`).
Times are microseconds of the monotonic clock, which all processes of a box share.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

import msgspec

from devices.tensors import Array, decoded
from scheduler.model.messages import TensorRef

Buffer = bytes | bytearray | memoryview

_LENGTHS = struct.Struct("<II")
LENGTHS_BYTES = _LENGTHS.size
ALIGNMENT = 16
"""Of tensors in a body: as the allocator aligns the body itself."""
MOST_HEADER_BYTES = 1 << 20
MOST_BODY_BYTES = 64 << 20
"""A call with more than this goes as a run: its tensors are better left where they lie."""


class Outcome(IntEnum):
    """The end of a call at a worker."""

    DONE = 0
    REFUSED = 1  # not begun: no such lease any more, or an older epoch, or its machine is paused
    LATE = 2  # not begun: its latest start has passed
    INVALID = 3  # the inputs are not those of the model
    FAILED = 4  # the model raised


class TensorHead(msgspec.Struct, frozen=True, array_like=True):
    """Name, NumPy dtype name, shape and bytes of a tensor in a body."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One call of a model.

    Parameters
    ----------
    id
        The caller's own number for it; the answer carries it.
    lease, epoch
        The lease that it is made under, in the epoch that the caller knows.
    outputs
        Names of the outputs that are wanted; empty for all.
    latest_us
        It is not begun after this; 0 for no limit.
    """

    id: int
    lease: str
    epoch: int
    inputs: tuple[TensorHead, ...]
    outputs: tuple[str, ...] = ()
    latest_us: int = 0


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """The end of a call.

    Parameters
    ----------
    message
        The fault, where there is one.
    waited_us, computed_us
        From when it was read to its begin, and from there to its outputs.
    """

    id: int
    outcome: int
    message: str = ""
    outputs: tuple[TensorHead, ...] = ()
    waited_us: int = 0
    computed_us: int = 0


_encode = msgspec.msgpack.Encoder().encode
_call = msgspec.msgpack.Decoder(Call)
_answer = msgspec.msgpack.Decoder(Answer)


def framed(message: Call | Answer, tensors: Sequence[Buffer]) -> list[Buffer]:
    """A message with the bytes of its tensors, as pieces to be sent one after another."""
    header = _encode(message)
    body: list[Buffer] = []
    size = 0
    for data in tensors:
        body.append(data)
        size += len(data)
        padding = -size % ALIGNMENT
        if padding:
            body.append(bytes(padding))
            size += padding
    return [_LENGTHS.pack(len(header), size) + header, *body]


def lengths(data: Buffer) -> tuple[int, int]:
    """Bytes of the header and of the body, from the first bytes of a frame."""
    header, body = _LENGTHS.unpack_from(data)
    return int(header), int(body)


def call_of(header: Buffer) -> Call:
    """Decode a call; `msgspec.MsgspecError` if it is none."""
    return _call.decode(header)


def answer_of(header: Buffer) -> Answer:
    """Decode an answer."""
    return _answer.decode(header)


def parts(heads: Iterable[TensorHead], body: memoryview) -> Iterator[tuple[TensorHead, memoryview]]:
    """Each tensor of a body with its bytes, which are not copied."""
    at = 0
    for head in heads:
        yield head, body[at : at + head.size]
        at += head.size + -head.size % ALIGNMENT


def arrays(heads: Iterable[TensorHead], body: memoryview) -> dict[str, Array]:
    """Tensors of a body by name, over its bytes.

    Raises
    ------
    InvalidTensor
        If the bytes do not match a type and shape.
    """
    return {head.name: _array(head, data) for head, data in parts(heads, body)}


def _array(head: TensorHead, data: memoryview) -> Array:
    ref = TensorRef(dtype=head.dtype, shape=head.shape, size_bytes=head.size, key=head.name)
    return decoded(ref, data)
