"""Runs that wait are counted in the store, exactly, and the count never sticks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.store import FINAL, Batch, QueueLimits, Store, queued
from scheduler.control.events import RunSubmitted
from scheduler.control.records import RunState
from scheduler.model import keys
from scheduler.model.errors import QueueFull
from scheduler.model.problem import Band

pytestmark = pytest.mark.anyio

LIMITS = QueueLimits(site=3, workload=2)


def submission(run: str, workload: str = "ocr@1") -> RunSubmitted:
    return RunSubmitted(at_us=1, run=run, workload=workload, inputs={}, band=Band.NORMAL)


async def _end(store: Store, event: RunSubmitted, state: RunState) -> None:
    lease = await store.take_lease("test", 60_000)
    assert lease is not None
    await store.commit(lease, Batch(records=(replace(queued(event), state=state),)))
    await store.resign(lease)


async def test_a_workload_has_no_more_open_runs_than_it_may(store: Store) -> None:
    for event in (submission("r-1"), submission("r-2", "ocr@2")):
        await store.submit(event, LIMITS)
    with pytest.raises(QueueFull, match=r"at most 2 runs of workload 'ocr' .*; got one more"):
        await store.submit(submission("r-3"), LIMITS)
    assert await store.summary("r-3") is None
    assert len(await store.events()) == 2
    await store.submit(submission("r-4", "other@1"), LIMITS)


async def test_a_site_has_no_more_open_runs_than_it_may(store: Store) -> None:
    for number in range(3):
        await store.submit(submission(f"r-{number}", f"w{number}@1"), LIMITS)
    with pytest.raises(QueueFull, match="at most 3 runs of this site"):
        await store.submit(submission("r-9", "other@1"), LIMITS)


async def test_a_run_that_was_accepted_is_not_refused_when_it_comes_again(store: Store) -> None:
    for event in (submission("r-1"), submission("r-2"), submission("r-1")):
        await store.submit(event, LIMITS)
    assert len(await store.events()) == 2


@pytest.mark.parametrize("state", sorted(FINAL))
async def test_a_run_that_ends_makes_room(store: Store, state: RunState) -> None:
    for event in (submission("r-1"), submission("r-2")):
        await store.submit(event, LIMITS)
    await _end(store, submission("r-1"), state)
    await _end(store, submission("r-1"), state)
    await store.submit(submission("r-3"), LIMITS)
    with pytest.raises(QueueFull):
        await store.submit(submission("r-4"), LIMITS)


async def test_what_was_never_taken_out_is_found_when_it_stands_in_the_way(store: Store) -> None:
    for event in (submission("r-1"), submission("r-2")):
        await store.submit(event, LIMITS)
    # As if its end had been written by somebody who knows of no queue, and the record had gone.
    await store.call("DEL", keys.run(store.site, "r-1"))
    await store.submit(submission("r-3"), LIMITS)
    with pytest.raises(QueueFull):
        await store.submit(submission("r-4"), LIMITS)
