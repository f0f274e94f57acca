"""Bodies packed by gzip: whole, cut at any place, packed in several parts, or packed for harm."""

from __future__ import annotations

import gzip
import tracemalloc
from itertools import pairwise
from random import Random

import pytest
from starlette.types import Message, Receive

from api.http.unpacking import PADDING_BYTES, PIECE_BYTES, Unpacked, is_packed
from scheduler.model.errors import InvalidInput, UnsupportedEncoding

pytestmark = pytest.mark.anyio


def arriving(*chunks: bytes) -> Receive:
    """Receive the chunks of a body, then the end of the connection."""
    waiting: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    waiting[-1]["more_body"] = False
    waiting.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return waiting.pop(0)

    return receive


async def unpacked(*chunks: bytes) -> list[bytes]:
    """All pieces of a body, up to its end."""
    receive = Unpacked(arriving(*chunks))
    pieces = []
    more = True
    while more:
        message = await receive()
        pieces.append(message["body"])
        more = message["more_body"]
    return pieces


@pytest.mark.parametrize("seed", range(4))
async def test_a_body_comes_out_as_it_was_wherever_the_network_cuts_it(seed: int) -> None:
    random = Random(seed)
    content = random.randbytes(3_000) + bytes(200_000) + random.randbytes(70_000)
    packed = gzip.compress(content)
    cuts = sorted(random.randrange(len(packed)) for _ in range(5))
    ends = [0, *cuts, len(packed)]
    chunks = [packed[a:b] for a, b in pairwise(ends)]
    assert b"".join(await unpacked(*chunks)) == content


async def test_a_body_of_several_members_is_one_body() -> None:
    packed = gzip.compress(b"one, ") + gzip.compress(b"") + gzip.compress(b"two")
    assert b"".join(await unpacked(packed)) == b"one, two"


async def test_a_small_body_never_comes_out_in_a_large_piece() -> None:
    packed = gzip.compress(bytes(100 * PIECE_BYTES))
    tracemalloc.start()
    receive = Unpacked(arriving(packed))
    pieces = [len((await receive())["body"]) for _ in range(50)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(pieces) <= PIECE_BYTES
    assert peak < 10 * PIECE_BYTES


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (b"", "its beginning only"),
        (gzip.compress(b"abc")[:-1], "its beginning only"),
        (gzip.compress(b"abc") + b"abc", "incorrect header check"),
        (gzip.compress(b"abc")[:-8] + bytes(8), "incorrect data check"),
        (b"abc", "incorrect header check"),
    ],
)
async def test_a_body_that_is_not_whole_is_refused(packed: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        await unpacked(packed)


async def test_packing_without_content_is_refused_before_it_takes_for_ever() -> None:
    nothing = gzip.compress(b"") * 10_000
    chunks = [nothing] * (2 + PADDING_BYTES // len(nothing)) + [b""]
    with pytest.raises(InvalidInput, match="bytes of packing"):
        await unpacked(*chunks)


async def test_a_sender_that_hangs_up_is_told_of_after_the_body() -> None:
    receive = Unpacked(arriving(gzip.compress(b"abc")))
    said = [await receive() for _ in range(3)]
    assert [message["type"] for message in said] == ["http.request"] * 2 + ["http.disconnect"]


@pytest.mark.parametrize("encodings", [[b"br"], [b"gzip, gzip"], [b"gzip", b"deflate"], [b"\xff"]])
def test_other_encodings_and_several_are_refused(encodings: list[bytes]) -> None:
    with pytest.raises(UnsupportedEncoding, match="content-encoding must be gzip, or be left out"):
        is_packed(encodings)
