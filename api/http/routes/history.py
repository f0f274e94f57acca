"""History beside the runs: deadlines that were missed, and plans."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.history.queries import moment_us
from api.http.answers import MissList, PlanList
from api.http.auth import Scope
from api.http.context import Context, of
from api.http.routes.common import json_of, reply, route

router = APIRouter(prefix="/v1/history", tags=["history"])

MAX_LISTED = 1_000
MOMENT = "A span back from now (90m, 2h, 7d), ISO 8601, or microseconds."
Moment = Annotated[str, Query(description=MOMENT)]
Limit = Annotated[int, Query(ge=1, le=MAX_LISTED)]


@router.get(
    "/misses", **route(Scope.READ, {200: json_of("MissList", "The latest, each with its cause.")})
)
async def list_misses(
    request: Request, since: Moment = "", until: Moment = "", limit: Limit = 100
) -> Response:
    """List the deadlines and due dates that runs did not keep, the latest first."""
    context = of(request)
    found = await asyncio.to_thread(
        context.history.misses, *_between_us(since, until, context), limit
    )
    return reply(MissList(misses=tuple(found)))


@router.get(
    "/plans", **route(Scope.READ, {200: json_of("PlanList", "The latest, each with its fate.")})
)
async def list_plans(
    request: Request, since: Moment = "", until: Moment = "", limit: Limit = 100
) -> Response:
    """List plans that were in force, and those that a solver proposed, the latest first.

    Of plans that replace each other within a second one is kept; of proposals all.
    """
    context = of(request)
    found = await asyncio.to_thread(
        context.history.plans, *_between_us(since, until, context), limit
    )
    return reply(PlanList(plans=tuple(found)))


def _between_us(since: str, until: str, context: Context) -> tuple[int, int]:
    now_us = context.store.now_us()
    since_us = moment_us(since, now_us, "since") if since else 0
    # Entries that are being written now belong to it too.
    return since_us, moment_us(until, now_us, "until") if until else 2 * now_us
