from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx
import numpy as np
import pytest

from api.store import SetAside
from api.store.codec import encode
from scheduler.model import keys
from scheduler.model.keys import watched
from tests.api.http.routes.conftest import Eventually, Service, npy

pytestmark = pytest.mark.anyio


async def _events(client: httpx.AsyncClient) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
    async with client.stream("GET", "/v1/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        name = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


async def test_the_site_shows_its_machines(client: httpx.AsyncClient) -> None:
    machines = (await client.get("/v1/devices")).json()["machines"]
    assert [(m["report"]["id"], m["state"]) for m in machines] == [("one/cpu0", "up")]
    assert (await client.get("/v1/schedule")).json()["machines"][0]["box"].startswith("box-")


async def test_views_are_made_often_for_those_who_look_and_not_for_probes(
    service: Service,
) -> None:
    store, client = service.context.store, service.client
    await store.call("DEL", watched(store.site))
    for path in ("/readyz", "/metrics", "/v1/models"):
        assert (await client.get(path)).is_success
    assert not await store.is_watched()
    assert (await client.get("/v1/devices")).is_success
    assert await store.is_watched()
    await store.call("DEL", watched(store.site))
    async with aclosing(_events(client)) as events:
        await anext(events)
        assert await store.is_watched()


async def test_events_begin_with_the_view_and_tell_of_each_run(service: Service) -> None:
    await service.add_doubling("live")
    async with aclosing(_events(service.client)) as events:
        name, view = await anext(events)
        assert (name, view["placement"]) == ("view", "heft")
        files = {"x": ("x.npy", npy(np.ones((1, 3), np.float32)))}
        answer = await service.client.post("/v1/workloads/live/runs", files=files)
        seen = []
        async for name, data in events:
            if name == "run" and data["run"] == answer.json()["run"]:
                seen.append(data["state"])
                assert data["operations"] == []
                if data["state"] == "finished":
                    break
    assert seen[-1] == "finished"


async def test_the_policy_can_be_changed(client: httpx.AsyncClient, eventually: Eventually) -> None:
    assert (await client.get("/v1/policy")).json() == {"placement": "heft", "improve": True}
    for wanted in (
        {"placement": "fastest_machine", "improve": False},
        {"placement": "heft", "improve": True},
    ):
        assert (await client.put("/v1/policy", json=wanted)).json() == wanted

        async def holds(wanted: dict[str, Any] = wanted) -> bool:
            return bool((await client.get("/v1/policy")).json() == wanted)

        await eventually(holds)
    refused = await client.put("/v1/policy", json={"placement": "cp_sat"})
    assert (refused.status_code, refused.json()["field"]) == (422, "placement")
    assert "fastest_machine, heft, " in refused.json()["detail"]


async def test_the_service_is_alive_ready_and_measured(
    service: Service, client: httpx.AsyncClient
) -> None:
    alive = {"status": "alive", "machines": None, "set_aside": None}
    assert (await client.get("/healthz")).json() == alive
    ready = {"status": "ready", "machines": 1, "set_aside": 0}
    assert (await client.get("/readyz")).json() == ready
    await service.add_doubling("counted")
    files = {"x": ("x.npy", npy(np.ones((1, 3), np.float32)))}
    await client.post("/v1/workloads/counted/runs?wait_s=20", files=files)
    text = (await client.get("/metrics")).text
    assert 'fjord_runs_total{state="finished",workload="counted"} 1.0' in text
    assert 'fjord_machine_up{device="cpu",machine="one/cpu0"} 1.0' in text
    assert "fjord_events_set_aside 0.0" in text
    assert 'fjord_loop_stall_seconds_bucket{le="0.05"}' in text


async def test_what_was_set_aside_is_shown_with_its_reason(
    service: Service, client: httpx.AsyncClient
) -> None:
    store = service.context.store
    aside = SetAside(entry="1-1", at_us=1, event="Tick", reason="two controllers ended")
    await store.call("HSET", keys.set_aside(store.site), aside.entry, encode(aside))
    (shown,) = (await client.get("/v1/set-aside")).json()["events"]
    assert (shown["entry"], shown["reason"]) == ("1-1", "two controllers ended")
    assert (await client.get("/readyz")).json()["set_aside"] == 1


async def test_an_agent_is_told_where_the_store_is(service: Service) -> None:
    body = {"agent": "two", "box": "elsewhere", "version": "0.1.0"}
    said = (await service.client.post("/v1/agents", json=body)).json()
    assert said["site"] == service.context.settings.site
    assert said["store_url"] == service.context.services.store_url
    assert abs(said["time_us"] - service.context.store.now_us()) < 60_000_000
    assert said["tensor_token"] == service.context.tensor_token


async def test_a_tensor_is_handed_out_by_its_key(service: Service) -> None:
    value = service.context.services.tensors.put("r-t", "x", np.arange(5_000, dtype=np.int16))
    (ref,) = value.tensors
    assert ref.url == f"{service.context.settings.base_url}/v1"
    headers = {"authorization": f"Bearer {service.context.tensor_token}"}
    answer = await service.client.get(f"/v1/tensors/{ref.key}", headers=headers)
    np.testing.assert_array_equal(np.frombuffer(answer.content, np.int16), np.arange(5_000))
    assert (await service.client.get("/v1/tensors/r-t/none", headers=headers)).status_code == 404
    assert (await service.client.get("/v1/tensors/.secret/x", headers=headers)).status_code == 422


async def test_the_dashboard_is_served(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
