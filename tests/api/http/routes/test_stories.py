"""Stories of runs by HTTP: while they live, once they have ended, and once history removed them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.history.archive import DAY_US
from api.store.run_ids import new_run_id
from tests.api.history.made import record
from tests.api.http.routes.conftest import Eventually, Service
from tests.api.http.routes.test_history import forget, put

pytestmark = pytest.mark.anyio

IN_JSON = {"inputs": {"x": {"dtype": "float32", "data": [[1, 2, 3]]}}}
DECODE = {
    "name": "decode",
    "inputs": {"file": {"dtype": "uint8", "shape": [-1]}},
    "stages": [{"name": "decode", "function": "decode_image", "inputs": {"data": "file"}}],
    "outputs": {"image": "decode.image"},
}
NO_IMAGE = {"inputs": {"file": {"dtype": "uint8", "data": [1, 2, 3]}}}


@pytest.fixture(scope="module")
async def url(service: Service) -> str:
    await service.add_doubling("told")
    return "/v1/workloads/told/runs"


async def story(client: httpx.AsyncClient, run: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/runs/{run}/story")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def steps(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Operation, new state and trigger of each line."""
    run = told["run"]
    return [
        (line["operation"].removeprefix(f"{run}/"), line["after"], line["trigger"])
        for line in told["lines"]
    ]


async def test_a_run_that_finished_is_told_from_its_submission_to_its_end(
    client: httpx.AsyncClient, url: str
) -> None:
    ended = (await client.post(f"{url}?wait_s=20", json=IN_JSON)).json()
    told = await story(client, ended["run"])
    assert steps(told) == [
        ("", "queued", "submitted"),
        ("double", "dispatched", "sent"),
        ("double", "running", "started"),
        ("", "running", "started"),
        ("double", "done", "finished"),
        ("", "finished", "finished"),
    ]
    assert told["submitted_us"] == ended["submitted_us"]
    assert (told["left_out"], told["lines"][4]["machine"]) == (0, "one/cpu0")
    times = [line["at_us"] for line in told["lines"]]
    assert times == sorted(times)


async def test_a_run_that_failed_tells_the_attempt_and_its_message(
    service: Service, client: httpx.AsyncClient
) -> None:
    assert (await client.post("/v1/workloads", json=DECODE)).status_code == 201
    failed = (await client.post("/v1/workloads/decode/runs?wait_s=20", json=NO_IMAGE)).json()
    assert failed["state"] == "failed"
    lines = (await story(client, failed["run"]))["lines"]
    (fault,) = [line for line in lines if line["trigger"] == "fault"]
    assert (fault["before"], fault["after"], fault["attempt"]) == ("running", "waiting", 1)
    assert fault["detail"] in failed["detail"] or "decode_image" in fault["detail"]
    assert (lines[-1]["after"], lines[-1]["trigger"]) == ("failed", "run_ended")
    assert lines[-1]["detail"].startswith(failed["reason"])


async def test_a_run_that_waits_is_told_up_to_now_and_goes_on_when_it_is_cancelled(
    client: httpx.AsyncClient, url: str
) -> None:
    run = (await client.post(url, json=IN_JSON | {"forbid": ["*"]})).json()["run"]
    assert steps(await story(client, run)) == [("", "queued", "submitted")]
    await client.delete(f"/v1/runs/{run}")
    await client.get(f"/v1/runs/{run}?wait_s=20")
    assert steps(await story(client, run)) == [
        ("", "queued", "submitted"),
        ("double", "cancelled", "run_ended"),
        ("", "cancelled", "run_ended"),
    ]


async def test_history_tells_the_same_story_as_the_store(
    service: Service, url: str, eventually: Eventually
) -> None:
    client, store = service.client, service.context.store
    run = (await client.post(f"{url}?wait_s=20", json=IN_JSON)).json()["run"]
    before = await story(client, run)
    await forget(store, run, eventually)
    assert await story(client, run) == before


async def test_a_run_that_left_no_story_has_one_without_lines(
    service: Service, eventually: Eventually
) -> None:
    store = service.context.store
    older = record(store.now_us() - DAY_US)
    await put(store, older, eventually)
    told = await story(service.client, older.run)
    assert (told["lines"], told["submitted_us"]) == ([], older.submitted_us)


async def test_the_story_of_a_run_that_never_was_is_unknown(service: Service) -> None:
    for run in ("r-1", new_run_id(service.context.store.now_us())):
        assert (await service.client.get(f"/v1/runs/{run}/story")).status_code == 404
