"""The service itself: liveness, readiness, metrics, and sessions of browsers."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from api.http.answers import Health
from api.http.auth import COOKIE, Scope
from api.http.context import of
from api.http.routes.common import json_of, reply, route, router_of
from api.http.schemas import SessionRequest
from scheduler.model.errors import Unavailable

router = router_of("service")


@router.get("/healthz", **route(None, {200: json_of("Health", "This process lives.")}))
async def healthz() -> Response:
    """Say that this process lives; it looks at nothing else."""
    return reply(Health(status="alive"))


@router.get("/readyz", **route(None, {200: json_of("Health", "Runs are planned.")}))
async def readyz(request: Request) -> Response:
    """Say that the store answers and that a controller is in office; else 503 with the reason.

    A controller that has taken office and reads the log does not plan yet: it has made no view. One
    that died is counted as in office until another takes its place, or its lease of 3 s runs out.
    Machines are not needed: without any, runs are accepted and wait with that reason.
    """
    store = of(request).store
    epoch = await store.epoch_in_office()
    if epoch is None:
        raise Unavailable("no controller is in office")
    view = await store.view()
    if view is None or 0 < view.epoch < epoch:
        raise Unavailable("the controller in office has made no view yet")
    up = sum(machine.state == "up" for machine in view.machines)
    aside = len(await store.set_aside())
    return reply(Health(status="ready", machines=up, set_aside=aside))


@router.get(
    "/metrics",
    **route(
        Scope.READ,
        {
            200: {
                "description": "Metrics as Prometheus reads them.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
    ),
)
async def get_metrics(request: Request) -> Response:
    """Measure: runs by workload and state, waits, machines, the plan."""
    context = of(request)
    view = await context.store.view()
    context.metrics.set_aside(len(await context.store.set_aside()))
    context.metrics.history_waiting.set(await context.store.history_waiting())
    text, content_type = context.metrics.exposition(view, request.headers.get("accept", ""))
    return Response(text, headers={"Content-Type": content_type})


@router.post("/v1/session", **route(None, {204: {"description": "The browser is let in."}}))
async def open_session(request: Request, body: SessionRequest) -> Response:
    """Keep a token in a cookie that scripts cannot read, so that a browser may show it."""
    of(request).gate.find(body.token)
    answer = Response(status_code=204)
    answer.set_cookie(
        COOKIE,
        body.token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.delete("/v1/session", **route(None, {204: {"description": "The cookie is gone."}}))
async def close_session() -> Response:
    """Drop the cookie."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer
