"""Work on a copy of this process sees it as it was at that moment, and leaves it alone."""

from __future__ import annotations

import asyncio
import os
import time

import psutil
import pytest

from api.process.forking import in_a_copy
from scheduler.model.errors import Defect

pytestmark = pytest.mark.anyio


async def test_the_copy_sees_what_was_there_and_nothing_that_comes_after() -> None:
    seen, copied = [1], asyncio.Event()
    making = asyncio.ensure_future(in_a_copy(lambda: bytes(seen), lambda _: copied.set()))
    await copied.wait()
    seen.append(2)
    assert await making == b"\1"


async def test_what_the_copy_does_is_not_done_here() -> None:
    seen: list[int] = []

    def work() -> bytes:
        seen.append(os.getpid())
        return str(seen[0]).encode()

    assert int(await in_a_copy(work)) != os.getpid()
    assert seen == []


async def test_much_comes_back_whole() -> None:
    assert await in_a_copy(lambda: b"x" * (8 << 20)) == b"x" * (8 << 20)


async def test_how_long_the_process_stood_still_is_told() -> None:
    told: list[float] = []
    await in_a_copy(lambda: b"", told.append)
    assert len(told) == 1
    assert told[0] > 0


async def test_work_that_breaks_is_told_of() -> None:
    def work() -> bytes:
        raise ValueError("no such thing")

    with pytest.raises(Defect, match="no such thing"):
        await in_a_copy(work)


async def test_a_copy_that_is_killed_is_told_of() -> None:
    def work() -> bytes:
        os.kill(os.getpid(), 9)
        return b""

    with pytest.raises(Defect, match="it was ended"):
        await in_a_copy(work)


async def test_a_copy_ends_when_nobody_waits_for_it_any_more() -> None:
    def work() -> bytes:
        while True:
            pass

    before, copied = set(psutil.Process().children()), asyncio.Event()
    making = asyncio.ensure_future(in_a_copy(work, lambda _: copied.set()))
    await copied.wait()
    assert set(psutil.Process().children()) > before
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    assert set(psutil.Process().children()) == before


async def test_a_copy_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.process.forking.LONGEST_S", 0.2)
    before = set(psutil.Process().children())
    with pytest.raises(Defect, match=r"not through after 0\.2 s"):
        await in_a_copy(_hang)
    assert set(psutil.Process().children()) == before


def _hang() -> bytes:
    while True:
        time.sleep(1)
