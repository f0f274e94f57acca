"""A small server that shows a browser any view of a site.

It sends `SiteView` and `RunRecord` encoded by msgspec, as the service does, under the strict
content policy of the service. Tests change the view and look.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from api.dashboard import Dashboard
from api.http.answers import (
    CostModels,
    Health,
    ModelAnswer,
    ModelList,
    RunOperators,
    WorkloadList,
)
from api.http.show.trace import trace
from api.store.catalogue import WorkloadRecord
from scheduler.control.records import RunRecord, SiteView
from scheduler.control.records.costs import AccuracyReport, Learning


@dataclass
class Site:
    """The data that the server shows; tests change it from their own thread."""

    view: SiteView
    records: dict[str, RunRecord] = field(default_factory=dict)
    operators: dict[str, RunOperators] = field(default_factory=dict)
    accuracy: AccuracyReport = field(default_factory=lambda: AccuracyReport(at_us=0))
    artifact: dict[str, str] | None = None
    learning: Learning = field(default_factory=Learning)
    cancelled: list[str] = field(default_factory=list)
    workloads: list[WorkloadRecord] = field(default_factory=list)
    models: list[ModelAnswer] = field(default_factory=list)
    is_in_office: bool = True
    secret: str = ""
    url: str = ""
    reachable: bool = True
    loop: asyncio.AbstractEventLoop | None = None
    changed: asyncio.Event | None = None

    def show(self, view: SiteView) -> None:
        self.view = view
        self._wake()

    def lose(self) -> None:
        """End every stream and refuse new ones."""
        self.reachable = False
        self._wake()

    def find(self) -> None:
        self.reachable = True

    def _wake(self) -> None:
        assert self.loop is not None
        assert self.changed is not None
        self.loop.call_soon_threadsafe(self.changed.set)

    async def stream(self) -> AsyncIterator[bytes]:
        assert self.changed is not None
        while self.reachable:
            self.changed.clear()
            yield b"event: view\ndata: " + msgspec.json.encode(self.view) + b"\n\n"
            await self.changed.wait()


def json_response(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")


class Endpoints:
    """The routes of the service that the dashboard calls."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def events(self, request: Request) -> Response:
        if not self.site.reachable:
            return JSONResponse({"title": "unavailable"}, status_code=503)
        expected = f"Bearer {self.site.secret}"
        if self.site.secret and request.headers.get("Authorization") != expected:
            return JSONResponse({"title": "a token is needed"}, status_code=401)
        return StreamingResponse(self.site.stream(), media_type="text/event-stream")

    async def runs(self, _: Request) -> Response:
        return json_response({"runs": list(self.site.records.values())})

    async def run(self, request: Request) -> Response:
        record = self.site.records.get(request.path_params["run"])
        if record is None:
            return JSONResponse({"title": "no such run"}, status_code=404)
        return json_response(record)

    async def operators(self, request: Request) -> Response:
        stage = request.query_params["stage"]
        if stage not in self.site.operators:
            detail = (
                f"the operators of {stage} were not measured: fjord profile {stage} --operators"
            )
            return JSONResponse({"title": "unknown name", "detail": detail}, status_code=404)
        return json_response(self.site.operators[stage])

    async def trace(self, request: Request) -> Response:
        return JSONResponse(trace(self.site.records[request.path_params["run"]]))

    async def cancel(self, request: Request) -> Response:
        self.site.cancelled.append(request.path_params["run"])
        return Response(status_code=202)

    async def models(self, _: Request) -> Response:
        return json_response(ModelList(models=self.site.models))

    async def workloads(self, _: Request) -> Response:
        return json_response(WorkloadList(workloads=self.site.workloads))

    async def ready(self, _: Request) -> Response:
        if self.site.is_in_office:
            return json_response(Health(status="ready"))
        problem = {"title": "unavailable", "detail": "no controller is in office"}
        return JSONResponse(problem, status_code=503)

    async def accuracy(self, _: Request) -> Response:
        return json_response(self.site.accuracy)

    async def costs(self, _: Request) -> Response:
        return json_response(
            CostModels(
                at_us=self.site.view.at_us,
                artifact=self.site.artifact,
                notes=(),
                pairs=0,
                observations=0,
                learning=self.site.learning,
                machines=(),
                links=(),
            )
        )


def application(site: Site) -> ASGIApp:
    answers = Endpoints(site)
    return Starlette(
        routes=[
            Route("/v1/events", answers.events),
            Route("/readyz", answers.ready),
            Route("/v1/models", answers.models),
            Route("/v1/workloads", answers.workloads),
            Route("/v1/cost-models", answers.costs),
            Route("/v1/cost-models/accuracy", answers.accuracy),
            Route("/v1/runs", answers.runs),
            Route("/v1/runs/{run}", answers.run, methods=["GET"]),
            Route("/v1/runs/{run}", answers.cancel, methods=["DELETE"]),
            Route("/v1/runs/{run}/operators", answers.operators),
            Route("/v1/runs/{run}/trace", answers.trace),
            Mount("/", Dashboard()),
        ]
    )


class Server(uvicorn.Server):
    """A uvicorn in a thread that says when it listens."""

    def __init__(self, site: Site) -> None:
        super().__init__(
            uvicorn.Config(
                application(site), port=0, log_level="warning", timeout_graceful_shutdown=1
            )
        )
        self.site = site
        self.listening = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        self.site.loop = asyncio.get_running_loop()
        self.site.changed = asyncio.Event()
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        self.site.url = f"http://127.0.0.1:{port}/"
        self.listening.set()
