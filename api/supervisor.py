"""``fjord up``: the store, the service and an agent of one box, kept alive.

Children die with this process, even when it is killed. The store does not: it holds what was
accepted, and the next ``fjord up`` takes it over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import httpx

from api.http.auth import VARIABLE, Scope, read_tokens, refuse_open_bind
from api.process.children import die_with_parent
from api.process.cores import Division, divide
from api.process.embedded import EmbeddedStore, keep_alive
from api.process.ports import free_port, require_free
from api.process.settings import Settings
from devices.tensor_folders import remove_abandoned
from scheduler.model.errors import Unavailable

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
"""Pauses before a child is started again double between these two."""
STEADY_S = 10.0
"""A child that lived so long is not one that dies at each start."""
DRAIN_S = 30.0
"""Time for an agent to finish what runs."""
CLOSE_S = 10.0
"""Time for the service to end its requests."""
HOPELESS = 3
"""Deaths before the first answer after which a start has failed."""
POLL_S = 0.05
LOCAL_AGENT = "local-agent"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A child process: its name, its arguments for ``fjord``, and how long it may take to end.

    Parameters
    ----------
    start
        Called in the child before it becomes ``fjord``.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    close_s: float
    start: Callable[[], None] = die_with_parent


async def run_up(
    settings: Settings,
    *,
    agent: bool = True,
    agent_options: Sequence[str] = (),
    agent_cores: tuple[int, ...] | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Run everything until SIGTERM or SIGINT, then end it in order: agent, service, store.

    Parameters
    ----------
    agent
        True if this box offers its machines.
    agent_options
        Options of ``fjord agent`` to pass on.
    agent_cores
        Cores to make machines of; ``None`` takes all but the one that is set aside.
    say
        Takes the few lines that are told to the user.

    Raises
    ------
    AccessDenied
        If other computers could reach the service without a token.
    InvalidInput
        If another process listens on the port, or the core to set aside cannot be.
    StoreUnavailable, OutOfSpace
        If the embedded store cannot be run.
    """
    tokens = read_tokens(settings.data_dir)
    refuse_open_bind(settings, tokens)
    division = divide(settings, agent_cores)
    settings = replace(settings, port=settings.port or free_port(settings.host))
    # Or the service would be started again and again, and another's would answer in its place.
    require_free(settings.host, settings.port)
    division.enter()
    stop = stop_signal()
    # Not before the cores are divided: threads that are there keep the cores that they have.
    await asyncio.to_thread(_remove_abandoned_tensors)
    async with _store(settings) as store_url:
        service, agent_part = _parts(settings, store_url, bool(tokens), agent_options, division)
        async with AsyncExitStack() as children:
            keeper = await children.enter_async_context(_kept(service))
            if not await _ready(keeper, _local_url(settings), stop):
                return
            say(f"Fjord is up: {_local_url(settings)}")
            say(f"Data is kept in {settings.data_dir}")
            if agent:
                await children.enter_async_context(_kept(agent_part))
            await stop.wait()
            say("Ending: what runs is finished first")


def _remove_abandoned_tensors() -> None:
    """Give back the memory of sites that are gone; one that cannot be removed stops no start."""
    try:
        sites = remove_abandoned()
    except OSError as error:
        _log.warning("tensors of sites that are gone stay in memory: %s", error)
        return
    if sites:
        _log.info("tensors of %d sites were removed, whose data folders are gone", sites)


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[str]:
    if settings.store_url:
        yield settings.store_url
        return
    embedded = EmbeddedStore(settings)
    url = await asyncio.to_thread(embedded.start)
    try:
        async with _background(keep_alive(embedded)):
            yield url
    finally:
        await asyncio.to_thread(embedded.stop)


def _parts(
    settings: Settings,
    store_url: str,
    guarded: bool,
    agent_options: Sequence[str],
    division: Division,
) -> tuple[Child, Child]:
    """The service, and the agent with a token of its own if the service wants one."""
    environment = os.environ | {
        "FJORD_DATA": str(settings.data_dir),
        "FJORD_STORE_URL": store_url,
        "FJORD_SITE": settings.site,
        "FJORD_BOX": settings.box,
        "FJORD_SUPERVISOR": secrets.token_hex(4),
    }
    serve = ("serve", "--host", settings.host, "--port", str(settings.port))
    cores = ("--cores", ",".join(map(str, division.machines))) if division.machines else ()
    agent = ("agent", "--server", _local_url(settings), *cores, *agent_options)
    for_service, for_agent = environment, environment
    if guarded:
        secret = secrets.token_urlsafe(32)
        others = environment.get(VARIABLE, "")
        own = f"{LOCAL_AGENT}:{Scope.AGENT}:{secret}"
        for_service = environment | {VARIABLE: f"{others},{own}" if others else own}
        for_agent = environment | {"FJORD_TOKEN": secret}
    return (
        Child(name="service", arguments=serve, environment=for_service, close_s=CLOSE_S),
        Child(
            name="agent",
            arguments=agent,
            environment=for_agent,
            close_s=DRAIN_S,
            start=division.start_agent,
        ),
    )


def _local_url(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host
    return replace(settings, host=host).base_url


class Keeper:
    """Keeps one child running."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.deaths = 0
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Start the child, and again whenever it ends, until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            began_s = time.monotonic()
            code = await self._once()
            self.deaths += 1
            if time.monotonic() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            _log.warning("the %s ended with %d; it is started again", self.child.name, code)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def end(self) -> None:
        """End the child: in good order first, by force if that takes too long."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                async with asyncio.timeout(self.child.close_s):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "api.cli",
            *self.child.arguments,
            env=self.child.environment,
            # Ctrl-C in a terminal is for this process, which ends its children in order.
            start_new_session=True,
            preexec_fn=self.child.start,
        )
        return await self._process.wait()


@asynccontextmanager
async def _kept(child: Child) -> AsyncIterator[Keeper]:
    keeper = Keeper(child)
    try:
        async with _background(keeper.run()):
            yield keeper
    finally:
        await keeper.end()


@asynccontextmanager
async def _background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _ready(keeper: Keeper, url: str, stop: asyncio.Event) -> bool:
    """Wait for the service to answer; ``False`` if the user wants no more of it."""
    async with httpx.AsyncClient(trust_env=False) as client:
        while not stop.is_set():
            if keeper.deaths >= HOPELESS:
                raise Unavailable(f"the service ended {keeper.deaths} times at its start")
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"{url}/healthz")).is_success:
                    return True
            await asyncio.sleep(POLL_S)
    return False
