from __future__ import annotations

import asyncio

import msgspec
import pytest

from api.store import Batch, Store, Trail
from api.store.catalogue import ModelRecord, WorkloadRecord
from api.store.codec import encode
from scheduler.control.events import Event, ModelAdded, RunSubmitted, Tick, WorkloadAdded
from scheduler.control.records import RunRecord, RunState
from scheduler.control.workload import Workload
from scheduler.model.errors import DuplicateName, StaleEpoch, StoreUnavailable, UnknownName
from scheduler.model.messages import AgentPlan, TensorRef, Value
from scheduler.model.problem import Band
from tests.scheduler.site import agent_joined

pytestmark = pytest.mark.anyio


def submission(run: str = "r-1", at_us: int = 1) -> RunSubmitted:
    small = TensorRef(dtype="uint8", shape=(2,), size_bytes=2, inline=b"\x00\xff")
    return RunSubmitted(
        at_us=at_us, run=run, workload="ocr@1", inputs={"image": Value(tensors=(small,))}
    )


def record(run: str, state: RunState = RunState.RUNNING) -> RunRecord:
    return RunRecord(
        run=run, kind="run", workload="ocr@1", state=state, band=Band.NORMAL, submitted_us=1
    )


def model(name: str, digest: str = "d") -> tuple[ModelRecord, ModelAdded]:
    kept = ModelRecord(name=name, digest=digest, size_bytes=1, inputs=(), outputs=(), created_us=1)
    return kept, ModelAdded(at_us=1, name=name, digest=digest, size_bytes=1)


def version_of(name: str, version: int) -> tuple[WorkloadRecord, WorkloadAdded]:
    workload = Workload(name=name, version=version, stages=(), outputs={})
    kept = WorkloadRecord(
        name=name, version=version, request={}, workload=workload, inputs=(), created_us=1
    )
    return kept, WorkloadAdded(at_us=1, workload=workload)


async def test_events_come_back_in_order_and_equal(store: Store) -> None:
    sent: list[Event] = [Tick(at_us=1), submission(), Tick(at_us=2)]
    await store.append(sent[0])
    await store.append(*sent[1:])
    found = await store.events()
    assert [event for _, event in found] == sent
    assert await store.events(found[0][0]) == found[1:]


async def test_unreadable_entry_does_not_hide_those_after_it(store: Store, site: str) -> None:
    await store.call("XADD", f"fjord:{{{site}}}:events", "*", "t", "Tick", "d", "{not json")
    await store.call("XADD", f"fjord:{{{site}}}:events", "*", "t", "Nonsense", "d", "{}")
    await store.append(Tick(at_us=1))
    assert [event for _, event in await store.events()] == [Tick(at_us=1)]


async def test_agent_of_a_release_without_fingerprints_is_read(store: Store, site: str) -> None:
    joined = agent_joined()
    told = msgspec.json.decode(encode(joined))
    for machine in told["machines"]:
        for report in machine["providers"]:
            del report["fingerprint"]
    key = f"fjord:{{{site}}}:events"
    await store.call("XADD", key, "*", "t", "AgentJoined", "d", msgspec.json.encode(told))
    assert [event for _, event in await store.events()] == [joined]


async def test_submitted_run_is_seen_at_once_and_logged_once(store: Store) -> None:
    await store.submit(submission("r-1"))
    await store.submit(submission("r-1"))
    assert [event for _, event in await store.events()] == [submission("r-1")]
    (found,) = await store.runs()
    assert (found.run, found.state) == ("r-1", RunState.QUEUED)


async def test_model_name_is_taken_once(store: Store) -> None:
    await store.add_model(*model("det"))
    with pytest.raises(DuplicateName, match="'det' must be new"):
        await store.add_model(*model("det", digest="other"))
    assert (await store.model("det")).digest == "d"
    assert len(await store.events()) == 1


async def test_repeated_write_of_one_model_is_one_model(store: Store) -> None:
    # A caller that lost the answer to its first try does this.
    await store.add_model(*model("det"))
    await store.add_model(*model("det"))
    assert len(await store.events()) == 1


async def test_unknown_names_are_named(store: Store) -> None:
    with pytest.raises(UnknownName, match="no model 'det'"):
        await store.model("det")
    with pytest.raises(UnknownName, match="no workload ocr@2"):
        await store.workload("ocr", 2)


async def test_workload_versions_of_many_writers_count_up_without_gaps(store: Store) -> None:
    posts = [store.add_workload(lambda version: version_of("ocr", version)) for _ in range(8)]
    made = await asyncio.gather(*posts)
    # Identical posts may share a version: a second try must not make a second one.
    assert {kept.version for kept in made} == {kept.version for kept in await store.workloads()}
    assert (await store.workload("ocr")).version == max(kept.version for kept in made)


async def test_runs_are_listed_newest_first_and_by_state(store: Store) -> None:
    for number in range(5):
        await store.submit(submission(f"r-{number}", at_us=number))
    assert [found.run for found in await store.runs(limit=2)] == ["r-4", "r-3"]
    assert await store.runs(state=RunState.FINISHED) == []
    assert len(await store.runs(state=RunState.QUEUED, limit=4)) == 4


async def test_office_is_held_by_one(store: Store) -> None:
    first = await store.take_lease("one", 60_000)
    assert first is not None
    assert await store.take_lease("two", 60_000) is None
    await store.resign(first)
    second = await store.take_lease("two", 60_000)
    assert second is not None
    assert second.epoch > first.epoch


async def test_lease_of_one_that_has_ended_for_certain_is_not_waited_for(store: Store) -> None:
    first = await store.take_lease("up1.a", 60_000)
    assert first is not None
    assert await store.take_lease("up2.b", 60_000, ended="up2.") is None
    second = await store.take_lease("up1.b", 60_000, ended="up1.")
    assert second is not None
    with pytest.raises(StaleEpoch):
        await store.commit(first, Batch(events=(Tick(at_us=1),)))


async def test_controller_that_lost_its_office_writes_nothing(store: Store, site: str) -> None:
    old = await store.take_lease("one", 60_000)
    assert old is not None
    await store.call("DEL", f"fjord:{{{site}}}:lease")
    new = await store.take_lease("two", 60_000)
    assert new is not None

    batch = Batch(
        events=(Tick(at_us=1),),
        plans=(AgentPlan(agent="a", epoch=1, version=1, queues={}),),
        records=(record("r-1"),),
    )
    with pytest.raises(StaleEpoch, match="controller one lost the office"):
        await store.commit(old, batch)
    with pytest.raises(StaleEpoch):
        await store.hold(old, 60_000)
    assert await store.events() == []
    assert await store.run("r-1") is None

    await store.commit(new, batch)
    assert await store.run("r-1") == record("r-1")
    assert await store.call("XLEN", f"fjord:{{{site}}}:plans:a") == 1


async def test_large_batch_is_written_to_its_end(store: Store) -> None:
    lease = await store.take_lease("one", 60_000)
    assert lease is not None
    records = tuple(record(f"r-{number}") for number in range(1_000))
    trail = Trail(start="(1-1", count=64)
    await store.commit(lease, Batch(records=records, trail=trail))
    assert len(await store.runs(limit=2_000)) == 1_000
    assert await store.trail() == trail


async def test_clock_is_that_of_the_store(store: Store) -> None:
    seconds, microseconds = await store.call("TIME")
    assert abs(store.now_us() - (int(seconds) * 1_000_000 + int(microseconds))) < 1_000_000
    assert store.now_us() <= store.now_us()


async def test_dead_store_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await Store.connect("redis://127.0.0.1:1/0", "site")
