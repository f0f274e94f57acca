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
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from api.http.auth import VARIABLE, Scope, read_tokens, refuse_open_bind
from api.process.cores import Division, divide
from api.process.embedded import EmbeddedStore, keep_alive
from api.process.joining import tell_joins
from api.process.keeper import Child, Keeper, background, kept
from api.process.logs import FOLDER, LogFile, captured, log_file
from api.process.ports import free_port, require_free
from api.process.settings import Settings
from api.process.site import command, supervising
from devices.tensor_folders import remove_abandoned
from scheduler.model.errors import Unavailable

_log = logging.getLogger(__name__)

DRAIN_S = 30.0
"""Time for an agent to finish what runs."""
CLOSE_S = 10.0
"""Time for the service to end its requests."""
HOPELESS = 3
"""Deaths before the first answer after which a start has failed."""
POLL_S = 0.05
SLOW_S = 10.0
"""Pause between two words on a start that takes long."""
LOCAL_AGENT = "local-agent"
READER = "supervisor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The user or program that started this, told in three ways.

    Parameters
    ----------
    say
        Takes a line on how far the start, or the end, is.
    warn
        Takes a line on what went wrong in a child, or what a library printed there.
    is_up
        Called once the service answers, with its address.
    """

    say: Callable[[str], None] = print
    warn: Callable[[str], None] = print
    is_up: Callable[[str], None] = lambda _: None

    def beside(self, note: Callable[[str], None]) -> Audience:
        """The same audience, and `note` for the lines on start and end."""

        def say(line: str) -> None:
            note(line)
            self.say(line)

        return replace(self, say=say)


async def run_up(
    settings: Settings,
    *,
    agent: bool = True,
    agent_options: Sequence[str] = (),
    agent_cores: tuple[int, ...] | None = None,
    audience: Audience = Audience(),
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
    audience
        Takes the few lines that are told to the user.

    Raises
    ------
    AccessDenied
        If other computers could reach the service without a token.
    InvalidInput
        If another process listens on the port, or the core to set aside cannot be.
    StoreUnavailable, OutOfSpace
        If the embedded store cannot be run, or another process runs Fjord in the data folder.
    """
    tokens = read_tokens(settings.data_dir)
    refuse_open_bind(settings, tokens)
    division = divide(settings, agent_cores)
    settings = replace(settings, port=settings.port or free_port(settings.host))
    # Or the service would be started again and again, and another's would answer in its place.
    require_free(settings.host, settings.port)
    division.enter()
    stop = stop_signal()
    with (
        _own_log(settings.data_dir) as log,
        supervising(settings.data_dir, _local_url(settings)),
    ):
        audience = audience.beside(log.note)
        # Not before the cores are divided: threads that are there keep the cores that they have.
        await asyncio.to_thread(_remove_abandoned_tensors)
        async with _store(settings, audience) as store_url:
            parts = _parts(settings, store_url, bool(tokens), agent_options, division)
            await _run(settings, parts, agent, audience, stop)
            audience.say("Ending: the store goes last")
        audience.say("Fjord has ended")


async def _run(
    settings: Settings, parts: _Parts, agent: bool, audience: Audience, stop: asyncio.Event
) -> None:
    """Run the service, and the agent where one is wanted, until told to stop."""
    url = _local_url(settings)
    async with AsyncExitStack() as children:
        audience.say("Starting the service")
        output = children.enter_context(_captured(settings, "service", audience))
        keeper = await children.enter_async_context(kept(parts.service, output))
        if not await _ready(keeper, settings, audience, stop):
            return
        audience.is_up(url)
        for line in _directions(settings):
            audience.say(line)
        if agent:
            audience.say("Trying the machines of this box: each is measured before it joins")
            output = children.enter_context(_captured(settings, "agent", audience))
            await children.enter_async_context(kept(parts.agent, output))
        joins = tell_joins(url, parts.reader, audience.say)
        await children.enter_async_context(background(joins))
        await stop.wait()
        audience.say("Ending: work that runs is finished first")


def _directions(settings: Settings) -> tuple[str, ...]:
    """Lines on where things lie, and how to stop."""
    folder = settings.data_dir
    return (
        f"Fjord is up: {_local_url(settings)}",
        f"Data is kept in {folder}",
        f"Logs lie in {folder / FOLDER} ({command('logs', folder)})",
        f"Ctrl-C or {command('down', folder)} stops it",
    )


@contextmanager
def _own_log(data_dir: Path) -> Iterator[LogFile]:
    """Keep the warnings of this process in a log, too."""
    root = logging.getLogger()
    with contextlib.closing(LogFile(data_dir, "up")) as log:
        root.addHandler(log)
        try:
            yield log
        finally:
            root.removeHandler(log)


def _captured(
    settings: Settings, part: str, audience: Audience
) -> contextlib.AbstractContextManager[int]:
    return captured(settings.data_dir, part, lambda line: audience.warn(f"{part}: {line}"))


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
async def _store(settings: Settings, audience: Audience) -> AsyncIterator[str]:
    if settings.store_url:
        yield settings.store_url
        return
    audience.say("Starting the store")
    embedded = EmbeddedStore(settings)
    url = await asyncio.to_thread(embedded.start)
    try:
        async with background(keep_alive(embedded)):
            yield url
    finally:
        await asyncio.to_thread(embedded.stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The service, the agent, and a secret with which this process reads; empty if none is needed.

    Where the service wants tokens, both get one for this time only.
    """

    service: Child
    agent: Child
    reader: str = ""


def _parts(
    settings: Settings,
    store_url: str,
    guarded: bool,
    agent_options: Sequence[str],
    division: Division,
) -> _Parts:
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
    for_service, for_agent, reader = environment, environment, ""
    if guarded:
        secret, reader = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        own = f"{LOCAL_AGENT}:{Scope.AGENT}:{secret},{READER}:{Scope.READ}:{reader}"
        others = environment.get(VARIABLE, "")
        for_service = environment | {VARIABLE: f"{others},{own}" if others else own}
        for_agent = environment | {"FJORD_TOKEN": secret}
    return _Parts(
        service=Child(name="service", arguments=serve, environment=for_service, close_s=CLOSE_S),
        agent=Child(
            name="agent",
            arguments=agent,
            environment=for_agent,
            close_s=DRAIN_S,
            start=division.start_agent,
        ),
        reader=reader,
    )


def _local_url(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host
    return replace(settings, host=host).base_url


async def _ready(
    keeper: Keeper, settings: Settings, audience: Audience, stop: asyncio.Event
) -> bool:
    """Wait for the service to answer; ``False`` if the user wants no more of it."""
    url, log = _local_url(settings), log_file(settings.data_dir, "service")
    word_s = time.monotonic() + SLOW_S
    async with httpx.AsyncClient(trust_env=False) as client:
        while not stop.is_set():
            if keeper.deaths >= HOPELESS:
                raise Unavailable(
                    f"the service ended {keeper.deaths} times at its start: see {log}"
                )
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"{url}/healthz")).is_success:
                    return True
            if time.monotonic() > word_s:
                audience.say("Waiting for the service; the first one compiles its solvers, once")
                word_s += SLOW_S
            await asyncio.sleep(POLL_S)
    return False
