"""One round on a real service: a batch of pages, and urgent streams with deadlines beside it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import psutil

from api.tools.demo.ocr import SHAPES
from benchmarks.placement.site import ALARM, BATCH, LOOK, MAGIKA_SHAPE
from fjord import AsyncClient, Run
from scheduler.model.errors import Unavailable

RUN_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Runs of one workload that come at even intervals."""

    workload: str
    priority: str
    period_s: float


STREAMS = (
    Stream(workload=ALARM, priority="critical", period_s=0.15),
    Stream(workload=LOOK, priority="high", period_s=0.23),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The figures of a round: the batch as a whole, and each urgent run from acceptance to end.

    Parameters
    ----------
    others
        Cores that processes took meanwhile which this benchmark did not start.
    """

    makespan_ms: float
    others: float
    responses_ms: dict[str, list[float]]

    def missed(self, deadlines_ms: Mapping[str, float]) -> int:
        """Number of urgent runs that ended after their deadline."""
        return sum(
            response > deadlines_ms[name]
            for name, responses in self.responses_ms.items()
            for response in responses
        )

    @property
    def urgent(self) -> int:
        """Number of urgent runs."""
        return sum(len(responses) for responses in self.responses_ms.values())


def deadlines_of(calm: Sequence[Round], slack: float) -> dict[str, float]:
    """Deadlines: the median response of each stream in calm rounds, times a slack."""
    return {
        stream.workload: slack
        * median(ms for each in calm for ms in each.responses_ms[stream.workload])
        for stream in STREAMS
    }


async def run_round(
    client: AsyncClient, pages: Sequence[bytes], deadlines_ms: Mapping[str, float]
) -> Round:
    """Submit the pages at once, and the streams until all pages are read."""
    over = asyncio.Event()
    await _warm(client, pages[0])
    began_s, before_s = time.monotonic(), _foreign_s()
    streams = [
        asyncio.create_task(_stream(client, stream, deadlines_ms.get(stream.workload), over))
        for stream in STREAMS
    ]
    batch = await asyncio.gather(*(client.submit(BATCH, {"image": page}) for page in pages))
    read = [await _record(client, run) for run in batch]
    over.set()
    responses = await asyncio.gather(*streams)
    began_us = min(record["submitted_us"] for record in read)
    others_s = _foreign_s() - before_s
    return Round(
        others=max(0.0, others_s) / (time.monotonic() - began_s),
        makespan_ms=(max(record["ended_us"] for record in read) - began_us) / 1000,
        responses_ms={s.workload: found for s, found in zip(STREAMS, responses, strict=True)},
    )


def _foreign_s() -> float:
    """Time that processes have run which this one did not start."""
    own = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    total = 0.0
    for process in psutil.process_iter():
        if process.pid not in own:
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
    return total


async def _warm(client: AsyncClient, page: bytes) -> None:
    """Run everything once, so that the new oracle is asked about each piece of work."""
    runs = [await client.submit(BATCH, {"image": page})]
    runs += [await client.submit(s.workload, _inputs(s)) for s in STREAMS]
    for run in runs:
        await _record(client, run)


async def _stream(
    client: AsyncClient, stream: Stream, deadline_ms: float | None, over: asyncio.Event
) -> list[float]:
    runs: list[Run] = []
    next_s = time.monotonic() + stream.period_s
    while not over.is_set():
        await asyncio.sleep(max(0.0, next_s - time.monotonic()))
        next_s += stream.period_s
        runs.append(
            await client.submit(
                stream.workload,
                _inputs(stream),
                priority=stream.priority,
                deadline_ms=deadline_ms,
                on_late="run",
            )
        )
    records = [await _record(client, run) for run in runs]
    return [(record["ended_us"] - record["submitted_us"]) / 1000 for record in records]


async def _record(client: AsyncClient, run: Run) -> dict[str, Any]:
    ended = await client.wait(run, timeout_s=RUN_TIMEOUT_S)
    if ended.state != "finished":
        raise Unavailable(f"run {ended.id} {ended.state}: {ended.reason}")
    return (await client.run(ended)).record


def _inputs(stream: Stream) -> dict[str, Any]:
    if stream.workload == ALARM:
        return {"x": np.zeros(SHAPES["text-orientation"]["x"], np.float32)}
    return {"bytes": np.zeros(MAGIKA_SHAPE, np.int32)}
