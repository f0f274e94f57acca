from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import httpx
import numpy as np
import pytest

from tests.api.http.routes.conftest import Eventually, Service, npy

pytestmark = pytest.mark.anyio

X = np.array([[1, 2, 3]], np.float32)
IN_JSON = {"inputs": {"x": {"dtype": "float32", "data": [[1, 2, 3]]}}}
NEVER = {"forbid": ["*"]}


@pytest.fixture(scope="module")
async def url(service: Service) -> str:
    await service.add_doubling("double")
    return "/v1/workloads/double/runs"


def _loaded(response: httpx.Response) -> Any:
    return np.load(io.BytesIO(response.content), allow_pickle=False)


async def _parked(client: httpx.AsyncClient, url: str) -> str:
    """A run that no machine may take."""
    run: str = (await client.post(url, json=IN_JSON | NEVER)).json()["run"]
    return run


@pytest.mark.parametrize("way", ["json", "npy in a form", "npz in a form", "bare npy"])
async def test_a_run_takes_its_input_every_way(
    client: httpx.AsyncClient, url: str, way: str
) -> None:
    archive = io.BytesIO()
    np.savez(archive, x=X)
    ways: dict[str, dict[str, Any]] = {
        "json": {"json": IN_JSON},
        "npy in a form": {"files": {"x": ("x.npy", npy(X)), "settings": (None, "{}")}},
        "npz in a form": {"files": {"x": ("x.npz", archive.getvalue())}},
        "bare npy": {"content": npy(X), "headers": {"content-type": "application/x-npy"}},
    }
    arguments = ways[way]
    answer = await client.post(f"{url}?wait_s=20", **arguments)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["state"], said["workload"]) == ("finished", "double@1")
    assert said["results"] == {"y": {"dtype": "float32", "shape": [1, 3], "data": [[2, 4, 6]]}}


async def test_a_run_is_accepted_at_once_and_can_be_followed(
    client: httpx.AsyncClient, url: str
) -> None:
    answer = await client.post(url, json=IN_JSON)
    run = answer.json()["run"]
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/runs/{run}")
    record = (await client.get(f"/v1/runs/{run}?wait_s=20")).json()
    assert record["state"] == "finished"
    (operation,) = record["operations"]
    assert (operation["stage"], operation["machine"]) == ("double", "one/cpu0")
    explained = (await client.get(f"/v1/runs/{run}/explain")).json()
    told = ("run", "operations", "waited", "inversions")
    assert explained == {name: record[name] for name in told}
    spent_us = operation["ended_us"] - operation["started_us"]
    assert sum(record["waited"].values()) <= record["ended_us"] - record["submitted_us"]
    assert sum(operation["waited"].values()) > 0 < spent_us
    assert (await client.get(f"/v1/runs/{run}/trace")).json()["traceEvents"]
    listed = (await client.get("/v1/runs?state=finished&kind=run&limit=1")).json()["runs"]
    assert [entry["run"] for entry in listed] == [run]


async def test_settings_reach_the_record(client: httpx.AsyncClient, url: str) -> None:
    settings = {"priority": "critical", "deadline_ms": 60_000, "due_ms": 1_500.5}
    in_form: dict[str, Any] = {"x": ("x.npy", npy(X)), "settings": (None, json.dumps(settings))}
    query = "priority=critical&deadline_ms=60000&due_ms=1500.5"
    for answer in (
        await client.post(f"{url}?wait_s=20", json=IN_JSON | settings),
        await client.post(f"{url}?wait_s=20", files=in_form),
        await client.post(
            f"{url}?wait_s=20&{query}",
            content=npy(X),
            headers={"content-type": "application/x-npy"},
        ),
    ):
        record = answer.json()
        assert record["band"] == 0
        assert record["deadline_us"] - record["submitted_us"] == 60_000_000
        assert record["due_us"] - record["submitted_us"] == 1_500_500


async def test_small_outputs_come_inline_and_large_ones_by_reference(
    client: httpx.AsyncClient, url: str
) -> None:
    large = np.ones((10_000, 3), np.float32)
    answer = await client.post(f"{url}?wait_s=20", files={"x": ("x.npy", npy(large))})
    result = answer.json()["results"]["y"]
    assert (result["shape"], "data" in result) == ([10_000, 3], False)
    fetched = await client.get(result["href"])
    assert fetched.headers["content-type"] == "application/x-npy"
    np.testing.assert_array_equal(_loaded(fetched), 2 * large)


async def test_what_json_cannot_say_comes_by_reference(client: httpx.AsyncClient, url: str) -> None:
    odd = np.array([[np.nan, np.inf, 1]], np.float32)
    answer = await client.post(f"{url}?wait_s=20", files={"x": ("x.npy", npy(odd))})
    fetched = await client.get(answer.json()["results"]["y"]["href"])
    np.testing.assert_array_equal(_loaded(fetched), 2 * odd)


async def test_a_list_comes_item_by_item_or_as_one_archive(
    service: Service, client: httpx.AsyncClient
) -> None:
    body = {
        "name": "crops",
        "inputs": {
            "image": {"dtype": "uint8", "shape": ["h", "w", 3]},
            "boxes": {"dtype": "float32", "shape": ["n", 4]},
        },
        "stages": [
            {"name": "cut", "function": "crop", "inputs": {"image": "image", "boxes": "boxes"}}
        ],
        "outputs": {"crops": "cut.crops"},
    }
    assert (await client.post("/v1/workloads", json=body)).status_code == 201
    image = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    boxes = np.array([[0, 0, 2, 2], [5, 5, 9, 8]], np.float32)
    files = {"image": ("i.npy", npy(image)), "boxes": ("b.npy", npy(boxes))}
    said = (await client.post("/v1/workloads/crops/runs?wait_s=20", files=files)).json()
    wanted = [image[0:2, 0:2], image[5:8, 5:9]]
    assert [item["shape"] for item in said["results"]["crops"]] == [[2, 2, 3], [3, 4, 3]]
    output = f"/v1/runs/{said['run']}/outputs/crops"
    whole = _loaded(await client.get(output))
    for index, crop in enumerate(wanted):
        np.testing.assert_array_equal(whole[f"{index:06d}"], crop)
        np.testing.assert_array_equal(_loaded(await client.get(f"{output}?index={index}")), crop)
    assert (await client.get(f"{output}?index=2")).status_code == 404


async def test_outputs_of_a_run_that_has_none_are_refused(
    client: httpx.AsyncClient, url: str
) -> None:
    run = await _parked(client, url)
    early = await client.get(f"/v1/runs/{run}/outputs/y")
    assert (early.status_code, "must be finished; it is queued" in early.text) == (409, True)
    done = (await client.post(f"{url}?wait_s=20", json=IN_JSON)).json()["run"]
    missing = await client.get(f"/v1/runs/{done}/outputs/z")
    assert (missing.status_code, "there are: y" in missing.text) == (404, True)
    await client.delete(f"/v1/runs/{run}")


async def test_a_run_can_be_cancelled_in_any_state(client: httpx.AsyncClient, url: str) -> None:
    run = await _parked(client, url)
    assert (await client.delete(f"/v1/runs/{run}")).status_code == 202
    ended = (await client.get(f"/v1/runs/{run}?wait_s=20")).json()
    assert (ended["state"], ended["reason"]) == ("cancelled", "cancelled")
    assert (await client.delete(f"/v1/runs/{run}")).status_code == 200
    done = (await client.post(f"{url}?wait_s=20", json=IN_JSON)).json()["run"]
    assert (await client.delete(f"/v1/runs/{done}")).status_code == 200
    assert (await client.get(f"/v1/runs/{done}")).json()["state"] == "finished"


async def test_a_wait_that_is_too_short_answers_how_it_stands(
    client: httpx.AsyncClient, url: str
) -> None:
    answer = await client.post(f"{url}?wait_s=0.05", json=IN_JSON | NEVER)
    said = answer.json()
    assert (answer.status_code, said["state"], said["results"]) == (202, "queued", {})
    assert (await client.get(f"/v1/runs/{said['run']}")).json()["operations"]
    await client.delete(f"/v1/runs/{said['run']}")


@pytest.mark.parametrize("cancels", [True, False])
async def test_hanging_up_cancels_the_run_unless_told_otherwise(
    service: Service, url: str, eventually: Eventually, cancels: bool
) -> None:
    store = service.context.store
    before = {record.run for record in await store.runs()}
    query = f"wait_s=60&cancel_on_disconnect={str(cancels).lower()}"

    async def waiting() -> None:
        async with httpx.AsyncClient(base_url=service.client.base_url) as impatient:
            await impatient.post(f"{url}?{query}", json=IN_JSON | NEVER, timeout=60)

    caller = asyncio.create_task(waiting())

    async def is_queued() -> bool:
        return any(record.run not in before for record in await store.runs())

    await eventually(is_queued)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    (run,) = [record.run for record in await store.runs() if record.run not in before]
    if not cancels:
        # A cancellation would have come by now: it has had as long as that of another run.
        other = await _parked(service.client, url)
        await service.client.delete(f"/v1/runs/{other}")
        await service.client.get(f"/v1/runs/{other}?wait_s=20")
        assert (await service.client.get(f"/v1/runs/{run}")).json()["state"] == "queued"
        await service.client.delete(f"/v1/runs/{run}")
    ended = (await service.client.get(f"/v1/runs/{run}?wait_s=20")).json()
    assert ended["state"] == "cancelled"
    assert ("hung up" in ended["detail"]) is cancels


async def test_a_dry_run_predicts_and_starts_nothing(
    service: Service, client: httpx.AsyncClient, url: str
) -> None:
    before = await service.context.store.last_event()
    for body in ({}, IN_JSON, {"priority": "high", "deadline_ms": 5000}):
        answer = await client.post(url.replace("/runs", "/plan"), json=body)
        assert answer.status_code == 200, answer.text
        (operation,) = answer.json()["record"]["operations"]
        assert operation["candidates"]
    assert "RunSubmitted" not in [
        type(event).__name__ for _, event in await service.context.store.events(before)
    ]


async def test_a_run_that_a_function_refuses_fails_with_the_story(
    client: httpx.AsyncClient,
) -> None:
    body = {
        "name": "picture",
        "inputs": {"file": {"dtype": "uint8", "shape": [-1]}},
        "stages": [{"name": "decode", "function": "decode_image", "inputs": {"data": "file"}}],
        "outputs": {"image": "decode.image"},
    }
    await client.post("/v1/workloads", json=body)
    files = {"file": ("no.png", b"this is no picture")}
    said = (await client.post("/v1/workloads/picture/runs?wait_s=20", files=files)).json()
    assert (said["state"], said["results"]) == ("failed", {})
    assert "decode" in said["detail"]
