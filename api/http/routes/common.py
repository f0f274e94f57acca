"""Helpers of all routes: rights of callers, and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.responses import Response

from api.http.auth import Scope
from api.http.body.media_types import JSON
from api.http.context import of
from api.http.parsing import parsing

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "The fault: the field, the law, and the value that came.",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
}
FILE = {"schema": {"type": "string", "format": "binary"}}


class _JsonRequest(Request):
    """A request whose body is read by the rules of RFC 8259.

    Python's own reader takes halves of surrogate pairs for text, and no answer can repeat them.
    """

    async def json(self) -> Any:
        """Read the body as JSON; `InvalidInput` if it is none."""
        body = await self.body()
        with parsing("the body must be JSON"):
            return from_json(body)


class _JsonRoute(APIRoute):
    """A route that reads its body so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def read(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return read


def router_of(tag: str, prefix: str = "") -> APIRouter:
    """Make the router of one kind of thing."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=_JsonRoute)


def reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a value as JSON."""
    return Response(msgspec.json.encode(value), status, dict(headers or {}), media_type=JSON)


def _admission(scope: Scope) -> Callable[[Request], Awaitable[None]]:
    async def admit(request: Request) -> None:
        of(request).gate.admit(request, scope)

    return admit


def route(
    scope: Scope | None,
    responses: Mapping[int | str, dict[str, Any]],
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Arguments of a route: its scope, its answers, and the body that it reads by itself."""
    extra: dict[str, Any] = {}
    if body is not None:
        extra["requestBody"] = {"required": True, "content": dict(body)}
    if scope is not None:
        extra["security"] = [{"bearer": []}]
        extra["x-fjord-scope"] = scope.value
    return {
        "dependencies": [Depends(_admission(scope))] if scope is not None else [],
        "responses": {**responses, **PROBLEMS},
        "openapi_extra": extra,
        "response_model": None,
        "status_code": min((code for code in responses if isinstance(code, int)), default=200),
    }


def schema(name: str) -> dict[str, Any]:
    """Refer to a schema of the OpenAPI document."""
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def json_of(name: str, description: str) -> dict[str, Any]:
    """Describe an answer in JSON with a schema of the document."""
    return {"description": description, "content": {JSON: schema(name)}}


def file_of(media_type: str, description: str) -> dict[str, Any]:
    """Describe an answer that is a file."""
    return {"description": description, "content": {media_type: FILE}}
