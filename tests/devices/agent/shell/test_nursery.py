"""The process that holds an agent's workers: real processes, in a session apart."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from devices.agent.shell.nursery_client import NurseryClient, WorkerProcess


@asynccontextmanager
async def nursery() -> AsyncIterator[NurseryClient]:
    opened = NurseryClient()
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def worker(opened: NurseryClient) -> AsyncIterator[tuple[WorkerProcess, socket.socket]]:
    """A worker that waits for its setup, and our end of its line."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            started = await opened.start(["--cores", ""], theirs.fileno())
        yield started, ours


def holder() -> psutil.Process:
    children = psutil.Process().children()
    (found,) = (each for each in children if "devices.agent.nursery" in each.cmdline())
    return found


def test_workers_share_one_session_that_is_not_the_agents() -> None:
    async def scenario() -> None:
        async with nursery() as opened, worker(opened) as (one, _), worker(opened) as (other, _):
            assert {os.getsid(one.pid), os.getsid(other.pid)} == {holder().pid}

    asyncio.run(scenario())


def test_the_signal_that_ends_a_worker_is_told() -> None:
    async def scenario() -> int:
        async with nursery() as opened, worker(opened) as (started, _):
            started.kill()
            return await started.ended

    assert asyncio.run(scenario()) == -signal.SIGKILL


def test_the_status_of_a_worker_that_ends_by_itself_is_told() -> None:
    async def scenario() -> int:
        async with nursery() as opened, worker(opened) as (started, line):
            line.close()
            return await started.ended

    assert asyncio.run(scenario()) == 1  # it was not set up


def test_workers_end_with_their_holder_and_the_next_one_finds_a_new_one() -> None:
    async def scenario() -> None:
        async with nursery() as opened:
            async with worker(opened) as (one, _), worker(opened) as (other, _):
                before = holder()
                before.kill()
                assert await one.ended == await other.ended == -signal.SIGKILL
            async with worker(opened) as (third, _):
                assert holder() != before
                assert psutil.pid_exists(third.pid)

    asyncio.run(scenario())


def test_closing_it_leaves_no_worker() -> None:
    async def scenario() -> int:
        async with nursery() as opened, worker(opened) as (started, _):
            await opened.close()
            return await started.ended

    assert asyncio.run(scenario()) == -signal.SIGKILL


def test_a_worker_that_cannot_be_started_is_an_error_for_who_asked() -> None:
    async def scenario() -> None:
        async with nursery() as opened, worker(opened):
            holder().suspend()
            asking = asyncio.create_task(worker(opened).__aenter__())
            await asyncio.sleep(0)
            holder().kill()
            with pytest.raises(OSError, match="has ended"):
                await asking

    asyncio.run(scenario())
