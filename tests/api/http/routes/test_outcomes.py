"""Submissions whose store fell silent: the answer to the caller, and the end of the run."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from api.http import settling
from api.http.context import Context
from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
from fjord import AsyncClient
from tests.api.http.routes.conftest import Eventually, serving

pytestmark = pytest.mark.anyio

WORKLOAD = {
    "name": "w",
    "inputs": {"s": {"dtype": "float32", "shape": [1, -1]}},
    "stages": [{"name": "a", "function": "arg_max", "inputs": {"scores": "s"}}],
    "outputs": {"i": "a.indices"},
}
# Too large to travel inside a message.
RUN = {"inputs": {"s": {"dtype": "float32", "data": [[1] * 5000]}}}
URL = "/v1/workloads/w/runs"


class Site:
    """A service, and the store that it stands on."""

    def __init__(self, url: str, context: Context, store: EmbeddedStore) -> None:
        self.url = url
        self.context = context
        self.store = store
        self.client = httpx.AsyncClient(base_url=url, timeout=30)

    async def warm(self) -> None:
        """Have the service remember the workload, so that the submission meets the silence."""
        await self.context.workloads.get("w", None)

    def pause(self) -> None:
        os.kill(self.store.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.store.pid, signal.SIGCONT)

    def has_inputs(self, run: str) -> bool:
        return any((self.context.services.tensors.root / run).glob("*"))

    async def is_unsettled(self) -> bool:
        return bool(self.context.settling._looking)


@pytest.fixture
async def silent(tmp_path: Path) -> AsyncIterator[Site]:
    store = EmbeddedStore(Settings(data_dir=tmp_path / "store"))
    settings = Settings(
        data_dir=tmp_path, store_url=store.start(), site=tmp_path.name, box=tmp_path.name
    )
    async with serving(settings) as (url, context):
        site = Site(url, context, store)
        assert (await site.client.post("/v1/workloads", json=WORKLOAD)).status_code == 201
        await site.warm()
        yield site
        site.resume()
        await site.client.aclose()
    store.stop()


async def test_a_run_that_may_have_been_accepted_is_named_and_comes_once(silent: Site) -> None:
    silent.pause()
    answer = await silent.client.post(URL, json=RUN)
    problem = answer.json()
    run = problem["run"]
    assert (answer.status_code, problem["title"]) == (503, "outcome unknown")
    assert "retry-after" in answer.headers
    assert f"run {run} may or may not have been accepted" in problem["detail"]
    silent.resume()
    for _ in range(2):
        again = await silent.client.post(f"{URL}?run={run}", json=RUN)
        assert (again.status_code, again.json()["run"]) == (202, run)
    assert [record.run for record in await silent.context.store.runs()] == [run]
    assert silent.has_inputs(run)


async def test_a_client_submits_again_by_itself(silent: Site, eventually: Eventually) -> None:
    silent.pause()
    async with AsyncClient(silent.url) as fjord:
        submitting = asyncio.create_task(fjord.submit("w", {"s": np.ones((1, 5000), np.float32)}))
        await eventually(silent.is_unsettled)
        silent.resume()
        run = await submitting
    assert [record.run for record in await silent.context.store.runs()] == [run.id]


async def test_a_run_that_was_certainly_not_accepted_is_said_and_leaves_nothing(
    silent: Site,
) -> None:
    silent.store.stop()
    answer = await silent.client.post(URL, json=RUN)
    problem = answer.json()
    assert (answer.status_code, problem.get("run")) == (503, None)
    assert "the run was not accepted" in problem["detail"]
    assert list(silent.context.services.tensors.root.glob("r-*")) == []
    silent.store.start()


async def test_inputs_of_a_run_that_turns_out_not_accepted_are_let_go(
    silent: Site, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "LOOK_S", 0.2)
    silent.pause()
    run = (await silent.client.post(URL, json=RUN)).json()["run"]
    assert silent.has_inputs(run)
    os.kill(silent.store.pid, signal.SIGKILL)
    silent.store.stop()
    silent.store.start()

    async def is_settled() -> bool:
        return not await silent.is_unsettled()

    await eventually(is_settled)
    assert await silent.context.store.summary(run) is None
    assert not silent.has_inputs(run)


async def test_an_id_of_another_workloads_run_is_refused(silent: Site) -> None:
    await silent.client.post("/v1/workloads", json=WORKLOAD | {"name": "other"})
    run = (await silent.client.post("/v1/workloads/other/runs", json=RUN)).json()["run"]
    answer = await silent.client.post(f"{URL}?run={run}", json=RUN)
    assert (answer.status_code, answer.json()["field"]) == (409, "run")
    answer = await silent.client.post(f"{URL}?run=mine", json=RUN)
    assert (answer.status_code, answer.json()["field"]) == (422, "run")


async def test_a_full_queue_is_said_and_leaves_nothing(silent: Site) -> None:
    body = WORKLOAD | {"name": "short", "max_queued": 1}
    assert (await silent.client.post("/v1/workloads", json=body)).status_code == 201
    url = "/v1/workloads/short/runs"
    first = (await silent.client.post(url, json=RUN)).json()["run"]
    answer = await silent.client.post(url, json=RUN)
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
    assert "at most 1 runs of workload 'short'" in answer.json()["detail"]
    assert [path.name for path in silent.context.services.tensors.root.glob("r-*")] == [first]
    await silent.client.delete(f"/v1/runs/{first}")
    await silent.client.get(f"/v1/runs/{first}?wait_s=20")
    assert (await silent.client.post(url, json=RUN)).status_code == 202
