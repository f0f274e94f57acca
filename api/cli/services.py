"""``fjord up``, ``fjord serve`` and ``fjord agent``: the processes that stay."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output
from scheduler.model.errors import InvalidInput

if TYPE_CHECKING:
    from api.process.settings import Settings
    from api.supervisor import Audience

Agent = Annotated[bool, typer.Option(help="Offer this box's machines, too.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(serve)
    app.command()(agent)


def up(
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    data: options.Data = None,
    store_url: options.StoreUrl = "",
    box: options.Box = "",
    agent: Agent = True,
    name: options.Name = "",
    cores: options.Cores = "",
    control_core: options.ControlCore = None,
    simulated: options.Simulated = False,
    as_json: options.Json = False,
) -> None:
    """Start everything on this box: the store, the service with its dashboard, and an agent."""
    from api.process.logs import log_to_stderr
    from api.process.ports import free_port, require_free
    from api.process.privacy import keep_private

    log_to_stderr()
    settings = _settings(host, port or free_port(host), data, store_url, box)
    settings = replace(settings, control_core=control_core)
    agent_cores = parse_cores(cores)
    require_free(settings.host, settings.port)
    keep_private(settings.data_dir)
    if not as_json:
        # Importing the rest takes a second on a slow box: the first word comes before it.
        _say(f"Starting Fjord in {settings.data_dir}")
    import asyncio

    from api.supervisor import run_up

    asyncio.run(
        run_up(
            settings,
            agent=agent,
            agent_options=_agent_options(name, simulated),
            agent_cores=agent_cores,
            audience=_audience(settings, as_json),
        )
    )


def _audience(settings: Settings, as_json: bool) -> Audience:
    """Words for a person; for a program one object, once the service is up."""
    from api.supervisor import Audience

    if not as_json:
        return Audience(say=_say, warn=_warn)
    data = str(settings.data_dir)
    return Audience(
        say=lambda _: None,
        warn=_warn,
        is_up=lambda url: output.print_json({"url": url, "data": data}),
    )


def _say(line: str) -> None:
    # The reader of a pipe may have gone; the service goes on.
    with contextlib.suppress(BrokenPipeError):
        output.tell(line)


def _warn(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        output.note(line)


def serve(
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    data: options.Data = None,
    store_url: options.StoreUrl = "",
    box: options.Box = "",
    controller: Annotated[
        bool, typer.Option(help="Let it be a candidate for the office of controller, or not.")
    ] = True,
    as_json: options.Json = False,
) -> None:
    """Start the service alone: the API, the dashboard, and a candidate for the controller."""
    from api.http import server
    from api.process.logs import log_to_stderr
    from api.process.ports import require_free
    from api.process.privacy import keep_private
    from devices.box.priority import stand_above

    log_to_stderr()
    require_free(host, port)
    settings = _settings(host, port, data, store_url, box)
    keep_private(settings.data_dir)
    if as_json:
        output.print_json({"url": settings.base_url, "data": str(settings.data_dir)})
    stand_above()
    _run(server.serve(settings, controller=controller))


def agent(
    server: Annotated[
        str, typer.Option("--server", envvar="FJORD_URL", help="Address of the service to join.")
    ],
    token: options.Token = None,
    data: options.Data = None,
    name: options.Name = "",
    box: options.Box = "",
    cores: options.Cores = "",
    simulated: options.Simulated = False,
    worker_mib: options.WorkerMib = 0,
    as_json: options.Json = False,
) -> None:
    """Offer the machines of this box to a service, until SIGTERM; running work ends first."""
    from api.process.logs import log_to_stderr
    from api.process.privacy import keep_private
    from api.process.settings import Settings
    from devices.agent.shell.daemon import run_agent
    from devices.agent.shell.settings import AgentSettings
    from devices.box.priority import stand_above_workers

    log_to_stderr()
    settings = AgentSettings(
        server=server.rstrip("/"),
        data_dir=data or Settings.from_environment().data_dir,
        token=token or "",
        name=name,
        box=box,
        cores=parse_cores(cores),
        simulated=simulated,
        worker_bytes=_worker_bytes(worker_mib),
    )
    keep_private(settings.data_dir)
    if as_json:
        output.print_json({"server": settings.server, "data": str(settings.data_dir)})
    stand_above_workers()
    _run(run_agent(settings))


def _worker_bytes(mib: int) -> int:
    from api.process.settings import LEAST_MIB, MIB

    if 0 < mib < LEAST_MIB:
        law = f"--worker-mib must be 0 or at least {LEAST_MIB}"
        raise InvalidInput(f"{law}; got {mib}", field="worker_mib")
    return mib * MIB


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run on the fast event loop where there is one."""
    import asyncio

    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


def parse_cores(text: str) -> tuple[int, ...] | None:
    """Read ``0-3,6``; nothing means all cores.

    Examples
    --------
    >>> parse_cores("0-2,6")
    (0, 1, 2, 6)
    """
    if not text:
        return None
    try:
        spans = [part.partition("-") for part in text.split(",")]
        cores = [core for a, _, b in spans for core in range(int(a), int(b or a) + 1)]
    except ValueError:
        cores = []
    if not cores:
        raise InvalidInput(f"--cores must be like 0-3,6; got {text!r}", field="cores")
    return tuple(sorted(set(cores)))


def _agent_options(name: str, simulated: bool) -> list[str]:
    return (["--name", name] if name else []) + (["--simulated"] if simulated else [])


def _settings(host: str, port: int, data: Path | None, store_url: str, box: str) -> Settings:
    from api.process.settings import Settings

    settings = Settings.from_environment()
    return replace(
        settings,
        host=host,
        port=port,
        data_dir=data or settings.data_dir,
        store_url=store_url or settings.store_url,
        box=box or settings.box,
    )
