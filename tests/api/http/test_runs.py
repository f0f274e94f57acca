"""The seam of runs, called as a protocol other than HTTP would call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import httpx
import numpy as np
import pytest

from api.http.body.json_body import Submission
from api.http.context import Context
from api.http.runs import Started, Wait, cancel, preview, start
from api.http.schemas import RunSettings
from api.process.settings import Settings
from api.store.catalogue import WorkloadRecord
from scheduler.control.records import RunState
from scheduler.model.errors import Conflict, InvalidTensor
from tests.api.http.routes.conftest import Eventually, agent_of, serving
from tests.api.http.routes.test_history import forget

pytestmark = pytest.mark.anyio

WORKLOAD = {
    "inputs": {"s": {"dtype": "float32", "shape": [1, -1]}},
    "stages": [{"name": "a", "function": "arg_max", "inputs": {"scores": "s"}}],
    "outputs": {"i": "a.indices"},
}
PARKED = RunSettings(forbid=["*"])


@pytest.fixture(scope="module")
async def context(
    store_url: str, tmp_path_factory: pytest.TempPathFactory, eventually: Eventually
) -> AsyncIterator[Context]:
    """A service with one agent, without a caller."""
    folder = tmp_path_factory.mktemp("seam")
    settings = Settings(
        data_dir=folder / "data", store_url=store_url, site=folder.name, box=folder.name
    )
    async with (
        serving(settings) as (url, context),
        httpx.AsyncClient(base_url=url) as client,
        agent_of(url, folder / "agent", folder.name),
    ):
        for name in ("one", "other"):
            answer = await client.post("/v1/workloads", json={"name": name, **WORKLOAD})
            assert answer.is_success, answer.text
        await eventually(partial(_has_machine, context))
        yield context


@pytest.fixture
async def workload(context: Context) -> WorkloadRecord:
    return await context.workloads.get("one", None)


def submission(settings: RunSettings | None = None) -> Submission:
    return Submission(settings or RunSettings(), {"s": np.array([[1, 3, 2]], np.float32)})


async def test_a_caller_that_waits_gets_the_record_of_its_run(
    context: Context, workload: WorkloadRecord
) -> None:
    started = await start(context, workload, submission(), Wait(seconds=60))
    assert started.record is not None
    assert (started.record.run, started.record.state) == (started.run, RunState.FINISHED)
    assert list(started.record.outputs) == ["i"]


async def test_a_caller_that_does_not_wait_gets_the_id_and_can_cancel_once(
    context: Context, workload: WorkloadRecord
) -> None:
    started = await start(context, workload, submission(PARKED))
    assert started == Started(run=started.run)
    assert await cancel(context, started.run)
    await context.services.feed.wait_for_run(started.run, 60)
    assert not await cancel(context, started.run)


async def test_a_run_ends_with_its_caller(context: Context, workload: WorkloadRecord) -> None:
    gone = asyncio.Event()
    wait = Wait(seconds=60, hung_up=gone.wait)
    starting = asyncio.create_task(start(context, workload, submission(PARKED), wait))
    gone.set()
    run = (await starting).run
    ended = await context.services.feed.wait_for_run(run, 60)
    assert ended is not None
    assert (ended.state, ended.detail) == (RunState.CANCELLED, "its caller hung up")


async def test_a_run_is_submitted_once_under_its_id(
    context: Context, workload: WorkloadRecord
) -> None:
    first = await start(context, workload, submission(), Wait(seconds=60))
    again = await start(context, workload, submission(), Wait(seconds=60), run=first.run)
    assert again == first
    other = await context.workloads.get("other", None)
    with pytest.raises(Conflict, match="run must be one of workload 'other'"):
        await start(context, other, submission(), run=first.run)


async def test_a_run_that_only_history_has_is_not_run_again(
    context: Context, workload: WorkloadRecord, eventually: Eventually
) -> None:
    first = await start(context, workload, submission(), Wait(seconds=60))
    await forget(context.store, first.run, eventually)
    assert await start(context, workload, submission(), run=first.run) == Started(run=first.run)
    again = await start(context, workload, submission(), Wait(seconds=60), run=first.run)
    assert again == first
    assert await context.store.summary(first.run) is None


async def test_a_refused_run_leaves_no_inputs(context: Context, workload: WorkloadRecord) -> None:
    root = context.services.tensors.root
    before = set(root.iterdir())
    with pytest.raises(InvalidTensor, match=r"inputs\.s"):
        await start(context, workload, Submission(RunSettings(), {"s": np.zeros(3, np.int64)}))
    assert set(root.iterdir()) == before


async def test_a_preview_needs_no_inputs_and_starts_nothing(
    context: Context, workload: WorkloadRecord
) -> None:
    answer = await preview(context, workload, Submission(RunSettings(), {}))
    assert answer.record.workload == workload.key
    assert await context.store.summary(answer.record.run) is None


async def _has_machine(context: Context) -> bool:
    view = await context.store.view()
    return view is not None and bool(view.machines)
