from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.history.archive import DAY_US
from api.store import RunEnded, RunForgotten, Store
from api.store.codec import encode
from api.store.run_ids import new_run_id
from scheduler.control.records import RunRecord
from scheduler.model import keys
from scheduler.model.messages import TensorRef, Value
from tests.api.history.made import record
from tests.api.http.routes.conftest import Eventually, Service

pytestmark = pytest.mark.anyio

IN_JSON = {"inputs": {"x": {"dtype": "float32", "data": [[1, 2, 3]]}}}


@pytest.fixture(scope="module")
async def url(service: Service) -> str:
    await service.add_doubling("past")
    return "/v1/workloads/past/runs"


async def forget(store: Store, run: str, eventually: Eventually) -> None:
    """Have the store forget a run, as a controller does once its time is over."""
    await store.call(*store.for_history(RunForgotten(run=run)))

    async def is_gone() -> bool:
        return await store.summary(run) is None

    await eventually(is_gone)


async def put(store: Store, ended: RunRecord, eventually: Eventually) -> None:
    """Put a run that has ended into the store, and have it archived and forgotten."""
    await store.call("HSET", keys.run(store.site, ended.run), "record", encode(ended))
    await store.call(*store.for_history(RunEnded(run=ended.run)))
    await forget(store, ended.run, eventually)


def gone(at: Callable[[], Awaitable[httpx.Response]]) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return (await at()).status_code == 410

    return ask


async def listed(client: httpx.AsyncClient, **wanted: Any) -> list[str]:
    answer = (await client.get("/v1/runs", params=wanted)).json()
    return [run["run"] for run in answer["runs"]]


async def test_forgotten_run_is_answered_from_history(
    service: Service, url: str, eventually: Eventually
) -> None:
    client, store = service.client, service.context.store
    run = (await client.post(f"{url}?wait_s=20", json=IN_JSON)).json()["run"]
    before = (await client.get(f"/v1/runs/{run}")).json()
    await forget(store, run, eventually)
    assert (await client.get(f"/v1/runs/{run}?wait_s=5")).json() == before
    explained = (await client.get(f"/v1/runs/{run}/explain")).json()
    assert explained["operations"] == before["operations"] != []
    assert (await client.get(f"/v1/runs/{run}/trace")).json()["traceEvents"]
    assert (await client.delete(f"/v1/runs/{run}")).status_code == 200
    # Its output is so small that it travels inside the record.
    assert (await client.get(f"/v1/runs/{run}/outputs/y")).status_code == 200


async def test_living_and_archived_runs_are_one_list_without_doubles(
    service: Service, url: str, eventually: Eventually
) -> None:
    client, store = service.client, service.context.store
    made = [
        (await client.post(f"{url}?wait_s=20", json=IN_JSON | {"priority": priority})).json()["run"]
        for priority in ("high", "normal", "high", "normal", "high")
    ]
    for run in made[:2]:
        await forget(store, run, eventually)
    latest = made[::-1]
    assert await listed(client, workload="past", limit=5) == latest
    assert await listed(client, workload="past@1", priority="high", limit=3) == latest[::2]
    assert await listed(client, workload="past@2") == []
    assert set(latest) <= set(await listed(client, since="1h", kind="run", state="finished"))
    assert await listed(client, workload="past", until="1h") == []


async def test_pages_of_a_list_follow_each_other(
    service: Service, url: str, eventually: Eventually
) -> None:
    client, store = service.client, service.context.store
    made = [(await client.post(f"{url}?wait_s=20", json=IN_JSON)).json()["run"] for _ in range(5)]
    await forget(store, made[1], eventually)
    await forget(store, made[3], eventually)
    everything = await listed(client, workload="past", limit=1000)
    found: list[str] = []
    wanted = {"workload": "past", "limit": "2"}
    while True:
        answer = (await client.get("/v1/runs", params=wanted)).json()
        found += [run["run"] for run in answer["runs"]]
        if not answer["next"]:
            break
        wanted["cursor"] = answer["next"]
    assert found == everything
    assert found[:5] == made[::-1]


async def test_run_that_is_too_old_is_gone_by_that_rule(
    service: Service, eventually: Eventually
) -> None:
    client, store = service.client, service.context.store
    old = record(store.now_us() - 8 * DAY_US)
    await put(store, old, eventually)
    await eventually(gone(lambda: client.get(f"/v1/runs/{old.run}")))
    for path in ("", "/explain", "/story", "/trace", "/outputs/y", "/operators?stage=s"):
        answer = await client.get(f"/v1/runs/{old.run}{path}")
        assert answer.status_code == 410
        assert "history is kept for 7 days (FJORD_HISTORY_DAYS)" in answer.json()["detail"]


async def test_run_that_never_was_is_unknown(service: Service) -> None:
    client, store = service.client, service.context.store
    for run in ("r-1", new_run_id(store.now_us()), new_run_id(store.now_us() + DAY_US)):
        assert (await client.get(f"/v1/runs/{run}")).status_code == 404


async def test_large_output_of_a_forgotten_run_is_gone(
    service: Service, eventually: Eventually
) -> None:
    client, store = service.client, service.context.store
    large = TensorRef(dtype="float32", shape=(5000,), size_bytes=20_000, box="b", key="k")
    run = record(store.now_us() - DAY_US, outputs={"y": Value(tensors=(large,))})
    await put(store, run, eventually)
    answer = await client.get(f"/v1/runs/{run.run}/outputs/y")
    assert answer.status_code == 410
    assert "10 minutes" in answer.json()["detail"]
    assert (await client.get(f"/v1/runs/{run.run}/outputs/z")).status_code == 404


async def test_missed_deadline_is_listed_with_its_cause(
    service: Service, eventually: Eventually
) -> None:
    client, store = service.client, service.context.store
    at_us = store.now_us() - DAY_US
    late = record(at_us, deadline_us=at_us + 1, predicted_p50_us=at_us + 2)
    await put(store, late, eventually)
    found = (await client.get("/v1/history/misses?since=2d&until=23h")).json()["misses"]
    assert [(miss["run"], miss["cause"]) for miss in found] == [(late.run, "promised_late")]


@pytest.mark.parametrize(
    ("query", "field"),
    [("since=yesterday", "since"), ("until=2w", "until"), ("cursor=x", "cursor")],
)
async def test_bad_bound_is_refused_by_name(
    client: httpx.AsyncClient, query: str, field: str
) -> None:
    answer = await client.get(f"/v1/runs?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)
