"""The application, and the process that serves it."""

from __future__ import annotations

import gc
import resource
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

import httpx
import uvicorn
from fastapi import FastAPI

from api.dashboard import Dashboard
from api.http import errors, openapi
from api.http.auth import WatchedGate, read_tokens, refuse_open_bind
from api.http.body.json_process import JsonProcess
from api.http.context import Context, Workloads
from api.http.headers import PlainHttp
from api.http.limits import MULTIPART_OVERHEAD, RequestLimit, Seats
from api.http.live import LiveViews
from api.http.metrics import Metrics
from api.http.models.files import sweep
from api.http.oip.app import OpenInference
from api.http.oip.models import Called
from api.http.patience import impatient
from api.http.routes import ROUTERS
from api.http.settling import Settling
from api.oracle.oracle import build_oracle
from api.process.settings import Settings
from api.store import Store
from api.store.runs import LISTENED_S
from api.wiring import OracleMaker, Services, services
from fjord import __version__
from scheduler.model import keys
from scheduler.model.errors import InvalidInput

DESCRIPTION = """A scheduling service for inference on mixed hardware.

Callers show a token as `Authorization: Bearer ...`; a browser may keep one as a cookie through
`POST /v1/session`. `x-fjord-scope` names the scope that an operation needs: `operate` includes
`submit`, which includes `read`; `agent` stands apart. On loopback without any token set, none is
needed. Times that end in `_us` are microseconds since the Unix epoch. `HEAD` is answered wherever
`GET` is.
Bodies may come with `Content-Encoding: gzip`; limits on their size count the unpacked bytes.
"""
TENSOR_TOKEN_BYTES = 32
CLOSE_S = 5
"""Live views are cut off after this time when the service ends; they connect again."""
SPARE_FILES = 1024
"""Open files beside listeners: other requests, models, the store, children."""
IDLE_S = 75
"""Connections are kept longer than proxies keep theirs: the side that may send must close."""


def create_app(
    settings: Settings, *, controller: bool = True, make_oracle: OracleMaker = build_oracle
) -> FastAPI:
    """Make the application. It connects when it starts, not when it is made.

    Parameters
    ----------
    controller
        True if its process is a candidate for the office of controller.
    make_oracle
        Makes the oracles of its brains.
    """
    called = Called()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts = services(settings, controller=controller, make_oracle=make_oracle)
        async with _context(settings, parts) as context, _grpc(context, called):
            app.state.context = context
            yield

    app = FastAPI(
        title="Fjord",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        # FastAPI's pages load scripts from other hosts; those of `api.http.reference` load nothing.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    errors.install(app)
    openapi.install(app)
    app.add_middleware(
        RequestLimit,
        max_bytes=settings.max_request_bytes,
        max_json_bytes=settings.max_json_bytes,
        paths={"/v1/models": settings.max_model_bytes + MULTIPART_OVERHEAD},
    )
    app.add_middleware(PlainHttp)
    app.add_middleware(OpenInference, called=called)
    # Behind all routes: a mount would answer for addresses that are routed with other methods.
    app.router.default = Dashboard()
    return app


async def serve(
    settings: Settings, *, controller: bool = True, make_oracle: OracleMaker = build_oracle
) -> None:
    """Serve until SIGTERM or SIGINT; the parameters are those of `create_app`.

    Raises
    ------
    AccessDenied
        If other computers could reach the service without a token.
    """
    refuse_open_bind(settings, read_tokens(settings.data_dir))
    _allow_connections(settings.max_listeners + SPARE_FILES)
    app = create_app(settings, controller=controller, make_oracle=make_oracle)
    await SettledServer(server_config(app, settings)).serve()


@asynccontextmanager
async def _grpc(context: Context, called: Called) -> AsyncIterator[None]:
    """Answer over gRPC too, where a port is set for it.

    Raises
    ------
    InvalidInput
        If the package for it is not installed.
    """
    port = context.settings.grpc_port
    if not port:
        yield
        return
    try:
        from api.http.oip.rpc.server import serving
    except ImportError as error:
        law = "FJORD_GRPC_PORT needs gRPC: pip install 'fjord-scheduler[grpc]'"
        raise InvalidInput(f"{law}; got {error}", field="grpc_port") from None
    async with serving(context, called, port):
        yield


def _allow_connections(wanted: int) -> None:
    """Have room for so many open files, as far as this user may: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Say how an application is served."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=impatient(settings.header_s, settings.body_s),
        # Here, not in a middleware: the server also answers by itself.
        headers=[("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")],
        ws="none",  # no web sockets here, even where a library for them is installed
        loop="none",  # the caller's
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=CLOSE_S,
        timeout_keep_alive=IDLE_S,
    )


class SettledServer(uvicorn.Server):
    """A server whose collector of garbage looks only at objects made after its start.

    What is loaded by then stays for ever: going through all of it takes 150 ms, in which no agent
    gets its next operations.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then set aside the objects that are there."""
        await super().startup(sockets)
        gc.freeze()


@asynccontextmanager
async def _context(
    settings: Settings, opening: AbstractAsyncContextManager[Services]
) -> AsyncIterator[Context]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    sweep(settings.data_dir / "models")
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(opening)
        # Boxes talk to each other directly: proxies of the environment are for the outside.
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        controller = parts.controller
        metrics = Metrics(controller.searches if controller is not None else None)
        parts.feed.on_run(metrics.take)
        followed = partial(parts.store.followed_view, LISTENED_S)
        live = await stack.enter_async_context(LiveViews(followed))
        live.follow(parts.feed)
        parts.stalls.listen(metrics.stalled)
        yield Context(
            settings=settings,
            gates=WatchedGate(settings.data_dir),
            services=parts,
            workloads=Workloads(parts.store),
            metrics=metrics,
            live=live,
            client=client,
            tensor_token=await _tensor_token(parts.store),
            json=await stack.enter_async_context(JsonProcess()),
            settling=await stack.enter_async_context(Settling(parts.store, parts.tensors)),
            seats=Seats(settings.max_listeners),
        )


async def _tensor_token(store: Store) -> str:
    """The token of the site for tensors; the first process that needs it makes it."""
    key = keys.tensor_token(store.site)
    await store.call("SET", key, secrets.token_urlsafe(TENSOR_TOKEN_BYTES), "NX")
    found: bytes = await store.call("GET", key)
    return found.decode()
