from __future__ import annotations

import asyncio
import time

import pytest

from api.process.stalls import WORTH_A_WORD_S, LoopStalls

pytestmark = pytest.mark.anyio


async def stalled(stalls: LoopStalls, *work: str, blamed_s: float) -> float:
    """Stop the loop for longer than is worth a word; seconds that were measured."""
    heard: asyncio.Queue[float] = asyncio.Queue()
    stalls.listen(heard.put_nowait)
    watching = asyncio.create_task(stalls.watch())
    await heard.get()
    time.sleep(WORTH_A_WORD_S + 0.1)
    stalls.took(blamed_s, *work)
    seconds = await heard.get()
    watching.cancel()
    return seconds


async def test_stall_is_measured_and_what_made_it_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await stalled(LoopStalls(), "Tick", "1-1", blamed_s=10.0) > WORTH_A_WORD_S
    assert "for Tick 1-1" in caplog.text


async def test_short_piece_of_work_is_not_blamed_for_a_long_stall(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await stalled(LoopStalls(), "Tick", "1-1", blamed_s=0.001)
    assert "the loop stood still" in caplog.text
    assert "Tick" not in caplog.text


async def test_turns_are_counted_while_the_loop_moves() -> None:
    stalls, heard = LoopStalls(), asyncio.Event()
    stalls.listen(lambda _: heard.set())
    watching = asyncio.create_task(stalls.watch())
    await heard.wait()
    watching.cancel()
    assert stalls.turns >= 1
