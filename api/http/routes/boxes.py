"""Requests of other boxes: agents that join, and tensors that lie here."""

from __future__ import annotations

import hmac

from fastapi import Request
from starlette.responses import FileResponse, Response

from api.http.answers import Welcome
from api.http.auth import Scope
from api.http.context import of
from api.http.routes.common import file_of, json_of, reply, route, router_of
from api.http.schemas import AgentJoin
from scheduler.model.errors import UnknownName

router = router_of("boxes", prefix="/v1")


@router.post("/agents", **route(Scope.AGENT, {200: json_of("Welcome", "Address of the store.")}))
async def join(request: Request, body: AgentJoin) -> Response:
    """Let an agent join: it goes on with the store of the site."""
    context = of(request)
    reached_as = request.url.hostname or context.settings.host
    return reply(
        Welcome(
            site=context.settings.site,
            store_url=context.services.store_url_for(reached_as),
            time_us=context.store.now_us(),
            tensor_token=context.tensor_token,
        )
    )


@router.get(
    "/tensors/{key:path}",
    **(
        route(None, {200: file_of("application/octet-stream", "Its bytes, little-endian.")})
        | {"openapi_extra": {"security": [{"bearer": []}], "x-fjord-scope": Scope.AGENT.value}}
    ),
)
async def get_tensor(request: Request, key: str) -> Response:
    """Fetch a tensor that lies on this box, with the token of the site or of an agent."""
    context = of(request)
    given = request.headers.get("authorization", "")
    expected = context.tensor_headers["Authorization"]
    if not hmac.compare_digest(given.encode(), expected.encode()):
        context.gate.admit(request, Scope.AGENT)
    path = context.services.tensors.path(key)
    if not path.is_file():
        raise UnknownName(f"there is no tensor {key!r} here", field="key")
    return FileResponse(path, media_type="application/octet-stream")
