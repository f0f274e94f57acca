"""The one place where concrete parts meet: oracle, solvers and store of each process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from api.calls.calls import Calls
from api.controller.controller import Controller
from api.controller.settings import ControllerSettings
from api.controller.solver_process import SolverProcess
from api.history import HistoryLimits, keep_history
from api.learning.learning import CostLearning, LearningSettings
from api.oracle.oracle import build_oracle
from api.process.embedded import EmbeddedStore, keep_alive
from api.process.garbage import short_collections
from api.process.settings import Settings
from api.process.stalls import LoopStalls
from api.store import Store
from api.store.feed import ChangeFeed
from cost_models.oracle import Oracle
from devices.tensor_folders import held_root
from devices.tensors import TensorStore
from scheduler.control.brain import Brain, BrainSettings
from scheduler.model.ports import DurationOracle
from scheduler.portfolio import placer, placers, warm_up

ANY_ADDRESS = "0.0.0.0"
HISTORY_AFTER_S = 3.0
"""After a restart the first answers come before history goes on; ended runs wait in a queue."""

OracleMaker = Callable[[Path], DurationOracle]
"""Makes the oracle of a brain from the files of the data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Services that the routes of the API stand on.

    Parameters
    ----------
    store_url
        Address of the store as this process reaches it.
    controller
        The candidate of this process for the office, ``None`` if it has none.
    calls
        Calls of models past the controller, to the workers of this box.
    """

    store: Store
    feed: ChangeFeed
    tensors: TensorStore
    store_url: str
    controller: Controller | None
    stalls: LoopStalls
    calls: Calls

    def store_url_for(self, host: str) -> str:
        """Address of the store for somebody who reaches this service under `host`."""
        parts = urlsplit(self.store_url)
        if parts.hostname not in {"127.0.0.1", "localhost"}:
            return self.store_url
        user, _, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}@{host}:{parts.port}").geturl()


def build_brain(
    data_dir: Path | None = None,
    make_oracle: OracleMaker = build_oracle,
    brain_settings: BrainSettings | None = None,
) -> Brain:
    """A brain that knows nothing yet, with every solver that answers at once.

    Parameters
    ----------
    data_dir
        Folder of the models, and of a learned cost model if there is one.
    make_oracle
        Makes the oracle of durations, where there is such a folder.
    brain_settings
        Other than the defaults.
    """
    oracle = Oracle() if data_dir is None else make_oracle(data_dir)
    solvers = {name: placer(name) for name in placers()}
    return Brain(oracle=oracle, solvers=solvers, settings=brain_settings)


@contextmanager
def open_tensors(settings: Settings) -> Iterator[TensorStore]:
    """The tensors of this box, as the API sees them."""
    host = socket.gethostname() if settings.host == ANY_ADDRESS else settings.host
    with held_root(settings.site, settings.box, settings.data_dir) as root:
        yield TensorStore(
            root,
            box=settings.box,
            url=f"http://{host}:{settings.port}/v1",
            inline_bytes=settings.inline_bytes,
        )


@asynccontextmanager
async def services(
    settings: Settings, *, controller: bool = True, make_oracle: OracleMaker = build_oracle
) -> AsyncIterator[Services]:
    """Everything that a process of the API needs, opened in order and closed in reverse.

    Without a store of the user's, the embedded one is run by this process.

    Parameters
    ----------
    controller
        True if this process is a candidate for the office of controller.
    make_oracle
        Makes the oracles of its brains.

    Raises
    ------
    StoreUnavailable, OutOfSpace
        If there is no store to be had.
    """
    async with AsyncExitStack() as stack:
        url = settings.store_url or await stack.enter_async_context(_embedded(settings))
        store = await Store.connect(url, settings.site)
        stack.push_async_callback(store.close)
        tensors = stack.enter_context(open_tensors(settings))
        stalls = LoopStalls()
        await stack.enter_async_context(_running(stalls.watch(), "stalls"))
        stack.enter_context(short_collections(stalls))
        feed = await stack.enter_async_context(ChangeFeed(store, tensors.release))
        calls = await stack.enter_async_context(_calls(store, tensors, feed, settings))
        candidate = None
        if controller:
            candidacy = _candidate(settings, store, url, stalls, make_oracle)
            candidate = await stack.enter_async_context(candidacy)
        yield Services(
            store=store,
            feed=feed,
            tensors=tensors,
            store_url=url,
            controller=candidate,
            stalls=stalls,
            calls=calls,
        )


@asynccontextmanager
async def _calls(
    store: Store, tensors: TensorStore, feed: ChangeFeed, settings: Settings
) -> AsyncIterator[Calls]:
    """Calls of this process, which follow their leases by the feed."""
    calls = Calls(store, tensors.root, settings.box)
    feed.on_lease(calls.take)
    try:
        yield calls
    finally:
        calls.close()


@asynccontextmanager
async def _candidate(
    settings: Settings, store: Store, url: str, stalls: LoopStalls, make_oracle: OracleMaker
) -> AsyncIterator[Controller]:
    """A candidate for the office of controller, with what it needs in office; it runs meanwhile."""
    # Before it takes office: a brain never waits for a compiler.
    await asyncio.to_thread(warm_up, names=placers())
    limits = HistoryLimits(days=settings.history_days, size_bytes=settings.history_bytes)
    history = keep_history(url, settings.site, settings.data_dir, limits, after_s=HISTORY_AFTER_S)
    learned = LearningSettings(train_rows=settings.train_rows, box=settings.box)
    async with SolverProcess() as solver, history:
        candidate = Controller(
            store,
            partial(build_brain, settings.data_dir, make_oracle, _brain_settings(settings)),
            solver,
            stalls,
            ControllerSettings(keep_log=settings.keep_log),
            learning=CostLearning(settings.data_dir, learned),
            supervisor=settings.supervisor,
        )
        async with _running(candidate.run(), "controller"):
            yield candidate


def _brain_settings(settings: Settings) -> BrainSettings:
    return BrainSettings(
        fill_share=settings.profile_share,
        age_us=settings.age_s * 1_000_000,
        unplaceable_us=settings.unplaceable_s * 1_000_000,
    )


@asynccontextmanager
async def _embedded(settings: Settings) -> AsyncIterator[str]:
    embedded = EmbeddedStore(settings)
    url = await asyncio.to_thread(embedded.start)
    keeper = asyncio.create_task(keep_alive(embedded), name="embedded store")
    try:
        yield url
    finally:
        await _cancelled(keeper)
        await asyncio.to_thread(embedded.stop)


@asynccontextmanager
async def _running(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        await _cancelled(task)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
