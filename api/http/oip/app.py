"""All paths under ``/v2``, answered without the framework: a call costs less than its routing."""

from __future__ import annotations

from typing import cast

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.context import Context
from api.http.errors import headers_of, internal, problem_of
from api.http.oip.handlers import Asked, route
from api.http.oip.models import Called
from api.http.oip.responses import Response, as_json
from scheduler.model.errors import Defect, FjordError

PREFIX = "/v2"


class OpenInference:
    """ASGI middleware that answers the protocol, and passes all other paths on.

    Parameters
    ----------
    called
        Models that were called, also over gRPC.
    """

    def __init__(self, app: ASGIApp, called: Called) -> None:
        self.app = app
        self._called = called

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == PREFIX or path.startswith(f"{PREFIX}/")):
            await self.app(scope, receive, send)
            return
        context = cast(Context, scope["app"].state.context)
        try:
            response = await _answer(Asked(scope, receive, context, self._called), path)
        except ClientDisconnect:
            return
        await _send(response, send, with_body=scope["method"] != "HEAD")


async def _answer(asked: Asked, path: str) -> Response:
    try:
        method, handler = route(asked, [part for part in path.split("/")[2:] if part])
        given = "GET" if asked.scope["method"] == "HEAD" else asked.scope["method"]
        if given != method:
            text = f"{given} is not offered at {path}"
            offered = "GET, HEAD" if method == "GET" else method
            return _error(405, text, (b"allow", offered.encode()))
        return await handler(asked)
    except Defect as error:
        return _error(500, internal(error).detail)
    except FjordError as error:
        return _refusal(error)
    except ClientDisconnect:
        raise
    except Exception as error:
        return _error(500, internal(error).detail)


def _refusal(error: FjordError) -> Response:
    problem = problem_of(error)
    # The protocol's clients know 400 for all that is wrong with a request.
    status = 400 if problem.status == 422 else problem.status
    pairs = [(name.lower().encode(), text.encode()) for name, text in headers_of(error).items()]
    return _error(status, problem.detail, *pairs)


def _error(status: int, text: str, *headers: tuple[bytes, bytes]) -> Response:
    response = as_json({"error": text}, status)
    return Response(status, (*response.headers, *headers), response.body)


async def _send(response: Response, send: Send, *, with_body: bool) -> None:
    body = response.body[0] if len(response.body) == 1 else b"".join(response.body)
    length = (b"content-length", str(len(body)).encode())
    headers = [*response.headers, length]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body if with_body else b""})
