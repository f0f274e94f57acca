"""The costs of history: archiving, searching, room, memory, and a loop beside it.

    python -m benchmarks.history [--runs 100000] [--queued 2000] [--seed 0]

Runs are made up: three operations of six candidates each, twelve lines of story, one run in a
hundred failed. *Archived*: pages of 256, each on the disk before the next, as the historian writes
them, in this process. *Loop*: how late a loop of this process wakes up each millisecond while the
historian takes a queue from a real store in its process, beside the same loop while nothing is
queued; both in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import psutil

from api.history import Archive, Cursor, HistoryLimits, Reader, RunQuery, keep_history
from api.history.archive import DAY_US
from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
from api.store import Batch, Store, WholeRun
from api.store.codec import encode
from api.store.run_ids import new_run_id
from benchmarks.conditions import conditions
from scheduler.control.records import (
    Candidate,
    OperationRecord,
    OperationState,
    Reason,
    RunRecord,
    RunState,
    RunStory,
    StoryLine,
    Trigger,
)
from scheduler.model.messages import Release
from scheduler.model.problem import Band

NOW_US = 1_800_000_000_000_000
APART_US = 5_000_000
"""100,000 runs that are so far apart are six days."""
PAGE = 256
LIMITS = HistoryLimits(days=7, size_bytes=2**30)
STAGES = ("detect", "cut", "read")
STEPS = (
    (OperationState.WAITING, OperationState.DISPATCHED, Trigger.SENT),
    (OperationState.DISPATCHED, OperationState.RUNNING, Trigger.STARTED),
    (OperationState.RUNNING, OperationState.DONE, Trigger.FINISHED),
)
"""Transitions of an operation that succeeds at once."""
WORKLOADS = 20
ASKED = 30
WAKE_S = 0.001
IDLE_S = 1.0
LOOK_S = 0.1
ROUNDS = 3


def made(number: int, random: Random) -> RunRecord:
    """A run with its operations, as a controller writes it when it ends."""
    at_us = NOW_US + number * APART_US
    run = new_run_id(at_us)
    return RunRecord(
        run=run,
        kind="run",
        workload=f"workload-{random.randrange(WORKLOADS)}@1",
        state=RunState.FAILED if random.random() < 0.01 else RunState.FINISHED,
        band=Band(random.randrange(4)),
        submitted_us=at_us,
        started_us=at_us + 900,
        ended_us=at_us + 90_000,
        deadline_us=at_us + 100_000,
        predicted_p50_us=at_us + random.randrange(50_000, 80_000),
        predicted_p95_us=at_us + random.randrange(80_000, 120_000),
        chance=random.random(),
        operations=tuple(_operation(run, stage, at_us, random) for stage in STAGES),
    )


def _operation(run: str, stage: str, at_us: int, random: Random) -> OperationRecord:
    start_us = at_us + random.randrange(1_000, 30_000)
    return OperationRecord(
        operation=f"{run}/{stage}",
        run=run,
        stage=stage,
        item=None,
        work=stage,
        state=OperationState.DONE,
        band=Band.NORMAL,
        machine="box/cpu0",
        provider="openvino",
        attempt=1,
        planned_start_us=start_us,
        planned_end_us=start_us + 30_000,
        started_us=start_us + random.randrange(1_000),
        ended_us=start_us + random.randrange(20_000, 40_000),
        provenance="measured",
        duration_p50_us=30_000,
        duration_p95_us=45_000,
        candidates=tuple(
            Candidate(
                machine=f"box/cpu{i % 3}",
                provider=("cpu", "openvino")[i % 2],
                finish_us=at_us + random.randrange(30_000, 90_000),
                reason=Reason.LATER_FINISH if i else None,
                detail=f"{random.randrange(90)} ms later" if i else "",
            )
            for i in range(6)
        ),
    )


def told(record: RunRecord) -> RunStory:
    """The story that such a run leaves."""
    at_us, end_us = record.submitted_us, record.ended_us or 0
    return RunStory(
        run=record.run,
        submitted_us=at_us,
        lines=(
            StoryLine(at_us, "", 0, "", RunState.QUEUED, Trigger.SUBMITTED),
            StoryLine(at_us + 900, "", 0, RunState.QUEUED, RunState.RUNNING, Trigger.STARTED),
            *(line for op in record.operations for line in _lines(op, at_us)),
            StoryLine(end_us, "", 0, RunState.RUNNING, record.state, Trigger.FINISHED),
        ),
    )


def _lines(op: OperationRecord, at_us: int) -> Iterator[StoryLine]:
    times_us = (at_us + 900, op.started_us or 0, op.ended_us or 0)
    for (before, after, trigger), moment_us in zip(STEPS, times_us, strict=True):
        yield StoryLine(moment_us, op.operation, 1, before, after, trigger, op.machine)


def pages(runs: int, seed: int) -> Iterator[list[WholeRun]]:
    random = Random(seed)
    for first in range(0, runs, PAGE):
        records = [made(number, random) for number in range(first, min(runs, first + PAGE))]
        yield [
            # As the store has them: the operations apart from the rest.
            WholeRun(
                record=encode(replace(record, operations=())),
                operations=encode(record.operations),
                story=encode(told(record)),
            )
            for record in records
        ]


def archive(folder: Path, runs: int, seed: int) -> None:
    """Print the speed of archiving, and the bytes of disk and of memory that a run takes."""
    process, spent_s, before = psutil.Process(), 0.0, 0
    with Archive(folder, LIMITS) as kept:
        for number, page in enumerate(pages(runs, seed)):
            if number == 4:
                before = process.memory_info().rss
            began_s = time.perf_counter()
            kept.add(page)
            kept.keep_within(NOW_US)
            spent_s += time.perf_counter() - began_s
        grown = process.memory_info().rss - before
        print(
            f"archived {runs / spent_s:.0f} runs/s, {kept.size_bytes / runs:.0f} bytes a run, "
            f"{grown / runs:.0f} bytes of memory a run",
            flush=True,
        )


def search(folder: Path, runs: int) -> None:
    """Print how long each kind of question takes."""
    reader = Reader(folder)
    middle = NOW_US + runs // 2 * APART_US
    (one,) = reader.find(RunQuery(until_us=middle), 1)
    questions: dict[str, Callable[[], object]] = {
        "latest 100": lambda: reader.find(RunQuery(), 100),
        "100 of one workload": lambda: reader.find(RunQuery(workload="workload-7"), 100),
        "100 failed": lambda: reader.find(RunQuery(state=RunState.FAILED), 100),
        "100 from the middle": lambda: reader.find(RunQuery(after=Cursor.of(one)), 100),
        "none of that kind": lambda: reader.find(RunQuery(kind="profile"), 100),
        "one with its operations": lambda: reader.run(one.run),
        "one story": lambda: reader.story(one.run),
        "one that is not there": lambda: reader.summary("r-none"),
        "latest 100 misses": lambda: reader.misses(0, 2 * NOW_US, 100),
    }
    for name, ask in questions.items():
        took_ms = sorted(_took_ms(ask) for _ in range(ASKED))
        print(f"{name}: median {took_ms[ASKED // 2]:.2f} ms, worst {took_ms[-1]:.2f} ms")


def remove(folder: Path, runs: int) -> None:
    """Print how long it takes to remove half of it by age."""
    with Archive(folder, LIMITS) as kept:
        before = kept.size_bytes
        middle = NOW_US + runs // 2 * APART_US + 7 * DAY_US
        took_ms = _took_ms(lambda: kept.keep_within(middle))
        rate = runs / 2 / took_ms * 1000
        print(f"removed {rate:.0f} runs/s, file at {kept.size_bytes / before:.2f} of its size")


def _took_ms(action: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    action()
    return (time.perf_counter() - began_s) * 1e3


async def loop_beside(folder: Path, queued: int, seed: int) -> None:
    """Print how late the loop is while the historian works, beside the same loop in peace."""
    settings = Settings(data_dir=folder / "data", site="history", embedded_fsync="everysec")
    server = EmbeddedStore(settings)
    url = await asyncio.to_thread(server.start)
    store = await Store.connect(url, settings.site)
    random, late, took_s = Random(seed), Late(store), 0.0
    rounds = [[made(number, random) for number in range(queued)] for _ in range(ROUNDS)]
    try:
        async with keep_history(url, settings.site, folder / "data", LIMITS):
            for records in rounds:
                late.in_peace += await late.for_a_while(IDLE_S)
                began_s = time.perf_counter()
                await _queue(store, records)
                late.beside += await late.until_empty()
                took_s += time.perf_counter() - began_s
    finally:
        await store.close()
        await asyncio.to_thread(server.stop)
    print(f"historian {ROUNDS * queued / took_s:.0f} runs/s from the store, queuing included")
    for name, found in (("in peace", late.in_peace), ("beside the historian", late.beside)):
        found.sort()
        p50, p99 = (found[int(share * (len(found) - 1))] for share in (0.5, 0.99))
        print(f"loop late {name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, worst {found[-1]:.2f} ms")


class Late:
    """Delays with which this loop wakes up, in milliseconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.in_peace: list[float] = []
        self.beside: list[float] = []

    async def for_a_while(self, seconds: float) -> list[float]:
        until_s = time.perf_counter() + seconds
        found = []
        while time.perf_counter() < until_s:
            began_s = time.perf_counter()
            await asyncio.sleep(WAKE_S)
            found.append((time.perf_counter() - began_s - WAKE_S) * 1e3)
        return found

    async def until_empty(self) -> list[float]:
        found = []
        while await self._store.history_waiting():
            found += await self.for_a_while(LOOK_S)
        return found


async def _queue(store: Store, records: Sequence[RunRecord]) -> None:
    lease = await store.take_lease("benchmark", 60_000)
    assert lease is not None
    for first in range(0, len(records), PAGE):
        part = tuple(records[first : first + PAGE])
        gone = tuple(Release(run=record.run) for record in part)
        stories = tuple(told(record) for record in part)
        await store.commit(lease, Batch(records=part, stories=stories, forget=gone))
    await store.resign(lease)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--queued", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(conditions([asked.seed]))
    with TemporaryDirectory(prefix="history-") as name:
        archive(Path(name), asked.runs, asked.seed)
        search(Path(name), asked.runs)
        remove(Path(name), asked.runs)
    with TemporaryDirectory(prefix="history-") as name:
        asyncio.run(loop_beside(Path(name), asked.queued, asked.seed))


if __name__ == "__main__":
    main()
