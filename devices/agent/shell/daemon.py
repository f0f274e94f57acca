"""The agent's process: finds its machines, joins a site, and leaves when told to."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx

from devices.agent.shell.agent import Agent
from devices.agent.shell.join import bearer, join
from devices.agent.shell.model_cache import ModelCache
from devices.agent.shell.settings import AgentSettings, agent_id
from devices.agent.shell.supplies import Supplies
from devices.agent.shell.tensor_server import TensorApp, own_address, serving
from devices.box.discovery import discover, lanes
from devices.box.host import usable_cores
from devices.box.peak_cache import PeakCache
from devices.functions.registry import functions
from devices.tensor_folders import held_root
from devices.tensors import TensorStore
from scheduler.model.messages import MachineReport

# Between two pieces of an answer; large files take as long as they take.
HTTP_TIMEOUT_S = 30.0


async def run_agent(
    settings: AgentSettings, machines: Sequence[MachineReport] | None = None
) -> None:
    """Join a site and run its plans until SIGTERM or SIGINT; a second one does not wait.

    Parameters
    ----------
    machines
        Machines to offer; ``None`` discovers them.

    Raises
    ------
    AccessDenied
        If the site refuses the token.
    DuplicateName
        If another agent joins under the same name.
    """
    async with joined_agent(settings, machines) as agent:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, agent.drain)
        try:
            await agent.run()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def joined_agent(
    settings: AgentSettings, machines: Sequence[MachineReport] | None = None
) -> AsyncIterator[Agent]:
    """An agent that has been let in and serves its tensors; `Agent.run` does the rest."""
    name = agent_id(settings)
    box = settings.box or socket.gethostname()
    # Boxes talk to each other directly: proxies of the environment are for the outside.
    async with httpx.AsyncClient(
        base_url=settings.server, timeout=HTTP_TIMEOUT_S, trust_env=False
    ) as client:
        joined = await join(client, name, box, settings.token)
        if machines is None:
            machines = await asyncio.to_thread(_discovered, name, settings)
        listener, url = _listener(settings)
        headers = bearer(settings.token)
        models = ModelCache(settings.data_dir / "cache" / "models", client, headers)
        with _tensor_root(settings, joined.site, box) as root:
            store = TensorStore(root, box, url, settings.inline_bytes)
            supplies = Supplies(store, models, client, bearer(joined.tensor_token))
            async with serving(TensorApp(store, joined.tensor_token), listener):
                yield Agent(name, joined, machines, store, supplies, settings.most_worker_bytes)


def _discovered(name: str, settings: AgentSettings) -> list[MachineReport]:
    return lanes(
        name,
        discover(settings.simulated, cache=PeakCache(settings.data_dir / "cache" / "peaks")),
        settings.cores or usable_cores(),
        simulated=settings.simulated,
        functions=tuple(sorted(functions())),
    )


def _listener(settings: AgentSettings) -> tuple[socket.socket, str]:
    """A socket for other boxes, and its address; on a loopback site it is not open to them."""
    host = settings.host or own_address(settings.server)
    bind = host if host.startswith("127.") else "0.0.0.0"
    listener = socket.create_server((bind, 0))
    return listener, f"http://{host}:{listener.getsockname()[1]}"


def _tensor_root(
    settings: AgentSettings, site: str, box: str
) -> contextlib.AbstractContextManager[Path]:
    if settings.tensor_root is not None:
        return contextlib.nullcontext(settings.tensor_root)
    return held_root(site, box, settings.data_dir)
