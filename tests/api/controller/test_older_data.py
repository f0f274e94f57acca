"""A data folder of an older release starts under this one, and its runs are served."""

from __future__ import annotations

import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
from api.store import Store
from api.wiring import build_brain
from scheduler.control.brain import Brain
from scheduler.control.records import RunState
from scheduler.model.messages import Verdict
from tests.api.controller.conftest import Running

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
SITE = "old"
RUNS = 3
FOLDERS = sorted((Path(__file__).parents[2] / "data" / "folders").glob("*.tar.xz"))
"""Made by `fjord up` of that commit: one model, one workload that runs it, some runs of it."""


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name.partition(".")[0])
def data_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
async def store(data_dir: Path) -> AsyncIterator[Store]:
    """The store of the older release, as the one in which this test's controller takes office."""
    server = EmbeddedStore(Settings(data_dir=data_dir))
    found = await Store.connect(server.start(), SITE)
    yield found
    await found.close()
    server.stop()


async def test_its_log_is_folded_and_its_runs_are_served(
    store: Store, running: Running, data_dir: Path, eventually: Eventually
) -> None:
    brains: list[Brain] = []

    def make_brain() -> Brain:
        brains.append(build_brain(data_dir))
        return brains[-1]

    async with running(make_brain) as controller:

        async def is_told() -> bool:
            return controller.status.in_office and await store.view() is not None

        await eventually(is_told)
        assert controller.status.folded > RUNS
        assert controller.status.defects == 0
        state = brains[-1].state
        # The brain forgets runs that ended more than ten minutes ago; the store does not.
        assert not state.active
        assert {profile.verdict for profile in state.profiles.values()} >= {Verdict.USABLE}
    runs = [run for run in await store.runs() if run.kind == "run"]
    assert len(runs) == RUNS
    for run in runs:
        record = await store.run(run.run)
        assert record is not None
        assert record.state is RunState.FINISHED
        assert list(record.outputs) == ["y"]
        assert [op.stage for op in record.operations] == ["twice"]
        assert await store.story(run.run, 1.0) is not None
