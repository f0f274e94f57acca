"""The site as a whole: devices, the schedule, live events, the policy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from api.answers import DeviceList, Policy, SetAsideList
from api.auth import Scope
from api.context import Context, of
from api.feed import ChangeFeed
from api.graph import choices
from api.routes.common import json_of, reply, route
from api.schemas import PolicySpec
from scheduler.control.events import PolicyChanged
from scheduler.control.records import RunRecord, SiteView
from scheduler.model.errors import InvalidInput, Unavailable
from scheduler.solvers import registry
from scheduler.solvers.registry import Kind

router = APIRouter(prefix="/v1", tags=["site"])

VIEW_PERIOD_S = 0.1
"""Eyes see ten pictures in a second as motion; more would only cost."""
KEEP_ALIVE_S = 15.0
"""Proxies close connections that are silent for longer, mostly after 30 s or 60 s."""
EVENT_STREAM = "text/event-stream"


@router.get("/schedule", **route(Scope.READ, {200: json_of("SiteView", "Planned and actual.")}))
async def get_schedule(request: Request) -> Response:
    """Show the plan and what has come of it, machine by machine."""
    return reply(await _view(of(request)))


@router.get("/devices", **route(Scope.READ, {200: json_of("DeviceList", "All machines.")}))
async def list_devices(request: Request) -> Response:
    """List the machines of all boxes that have joined, with what was found on them."""
    return reply(DeviceList(machines=(await _view(of(request))).machines))


@router.get("/set-aside", **route(Scope.READ, {200: json_of("SetAsideList", "With reasons.")}))
async def list_set_aside(request: Request) -> Response:
    """List the events that no controller takes in any more, because they broke some."""
    return reply(SetAsideList(events=tuple(await of(request).store.set_aside())))


@router.get("/policy", **route(Scope.READ, {200: json_of("Policy", "How work is placed.")}))
async def get_policy(request: Request) -> Response:
    """Say how work is placed."""
    view = await _view(of(request))
    return reply(Policy(placement=view.placement, improve=view.improve))


@router.put("/policy", **route(Scope.OPERATE, {200: json_of("Policy", "It holds from now on.")}))
async def set_policy(request: Request, body: PolicySpec) -> Response:
    """Choose how work is placed."""
    context = of(request)
    known = registry.names(Kind.CONSTRUCTIVE)
    if body.placement not in known:
        got = f"got {body.placement!r} ({choices(known)})"
        raise InvalidInput(f"placement must place at once; {got}", field="placement")
    event = PolicyChanged(
        at_us=context.store.now_us(), placement=body.placement, improve=body.improve
    )
    await context.store.append(event)
    return reply(Policy(placement=body.placement, improve=body.improve))


@router.get(
    "/events",
    **route(
        Scope.READ,
        {
            200: {
                "description": "`event: view` with a SiteView, `event: run` with a RunRecord.",
                "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
            }
        },
    ),
)
async def follow_events(request: Request) -> Response:
    """Follow the site: its view at once and whenever it changes, and every change of a run."""
    return StreamingResponse(
        _stream(of(request).services.feed),
        media_type=EVENT_STREAM,
        # Proxies that buffer would hold events back.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _view(context: Context) -> SiteView:
    view = await context.store.view()
    if view is None:
        raise Unavailable("no controller has taken office at this site yet")
    return view


async def _stream(feed: ChangeFeed) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    latest: SiteView | None = None
    due_s = 0.0
    async with contextlib.aclosing(_with_pauses(feed)) as changes:
        async for change in changes:
            if isinstance(change, RunRecord):
                yield _event("run", change)
            elif change is not None:
                latest = change
            elif latest is None and loop.time() - due_s > KEEP_ALIVE_S:
                yield b": still here\n\n"
                due_s = loop.time()
            if latest is not None and loop.time() >= due_s:
                yield _event("view", latest)
                latest, due_s = None, loop.time() + VIEW_PERIOD_S


async def _with_pauses(feed: ChangeFeed) -> AsyncGenerator[RunRecord | SiteView | None, None]:
    """Changes as they come, and ``None`` whenever there is none for the length of a period."""
    async with contextlib.aclosing(feed.subscribe()) as changes:
        upcoming = asyncio.ensure_future(anext(changes))
        try:
            while True:
                done, _ = await asyncio.wait({upcoming}, timeout=VIEW_PERIOD_S)
                if not done:
                    yield None
                    continue
                yield upcoming.result()
                upcoming = asyncio.ensure_future(anext(changes))
        finally:
            upcoming.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await upcoming


def _event(name: str, data: RunRecord | SiteView) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
