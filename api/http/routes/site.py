"""The site as a whole: devices, the schedule, live events, the policy."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as ScopeOfAsgi

from api.http.answers import DeviceList, Policy, SetAsideList
from api.http.auth import Scope
from api.http.context import Context, of
from api.http.errors import choices
from api.http.limits import Seats
from api.http.routes.common import json_of, reply, route, router_of
from api.http.schemas import PolicySpec
from scheduler.control.events import PolicyChanged
from scheduler.control.records import SiteView
from scheduler.model.errors import InvalidInput, Unavailable
from scheduler.solvers import registry
from scheduler.solvers.registry import SolverKind

router = router_of("site", prefix="/v1")

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


@router.get("/policy", **route(Scope.READ, {200: json_of("Policy", "The policy of placement.")}))
async def get_policy(request: Request) -> Response:
    """Say how work is placed."""
    view = await _view(of(request))
    return reply(Policy(placement=view.placement, improve=view.improve))


@router.put("/policy", **route(Scope.OPERATE, {200: json_of("Policy", "It holds from now on.")}))
async def set_policy(request: Request, body: PolicySpec) -> Response:
    """Choose how work is placed."""
    context = of(request)
    known = registry.names(SolverKind.CONSTRUCTIVE)
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
    """Follow the site: its view at once and whenever it changes, and the runs that changed.

    Changes are told ten times a second at most, and less often where very many listen: then of a
    run that changed several times, only the latest state.
    """
    context = of(request)
    return _LiveStream(
        context.live.listen(),
        context.seats,
        media_type=EVENT_STREAM,
        # Proxies that buffer would hold events back.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _LiveStream(StreamingResponse):
    """A stream that has a seat for as long as it is sent."""

    def __init__(self, content: AsyncGenerator[bytes, None], seats: Seats, **kwargs: Any) -> None:
        super().__init__(content, **kwargs)
        self._content = content
        self._seats = seats

    async def __call__(self, scope: ScopeOfAsgi, receive: Receive, send: Send) -> None:
        """Send it until the listener hangs up; `Unavailable` if there is no seat."""
        # Closed here: a generator that is only dropped would keep its listener for a while.
        async with contextlib.aclosing(self._content):
            with self._seats.taken():
                await super().__call__(scope, receive, send)


async def _view(context: Context) -> SiteView:
    view = await context.store.followed_view()
    if view is None:
        raise Unavailable("no controller has taken office at this site yet")
    return view
