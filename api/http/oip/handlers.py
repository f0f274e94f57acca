"""Handlers of the paths of the protocol, and the way from a path to its handler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Receive
from starlette.types import Scope as Connection

from api.http.auth import Scope
from api.http.body.submission import LARGE_JSON_BYTES
from api.http.context import Context
from api.http.headers import check
from api.http.oip.inference import infer
from api.http.oip.models import (
    VERSION,
    Called,
    config,
    index,
    is_in_office,
    is_ready,
    metadata,
    server,
)
from api.http.oip.requests import read_request
from api.http.oip.responses import HEADER_LENGTH, Response, as_json, inferred
from api.http.unpacking import EITHER_BITS, Unpacked, is_packed
from api.store.catalogue import ModelRecord
from scheduler.model.errors import InvalidInput, TooLarge, UnknownName

EXTENSIONS = ("binary_tensor_data", "model_configuration", "model_repository", "statistics")
_DEFLATE = frozenset({"deflate"})


class Asked:
    """A request under way, and the model and version that its path names, if it does."""

    def __init__(
        self, scope: Connection, receive: Receive, context: Context, called: Called
    ) -> None:
        self.scope = scope
        self.receive = receive
        self.context = context
        self.called = called
        self.model = self.version = ""

    def admit(self, right: Scope) -> None:
        """Refuse a caller that lacks the right, or whose headers cannot be read."""
        check(self.scope)
        self.context.gate.admit(HTTPConnection(self.scope), right)

    async def record(self) -> ModelRecord:
        """The model that is asked about."""
        return await self.called.find(self.model, self.version, self.context)

    def values(self, wanted: bytes) -> list[bytes]:
        """Values of a header."""
        return [value for name, value in self.scope["headers"] if name == wanted]

    async def body(self, most: int) -> bytes:
        """All of the body, unpacked if it came packed; `TooLarge` beyond so many bytes."""
        receive = self.receive
        if is_packed(self.values(b"content-encoding"), more=_DEFLATE):
            receive = Unpacked(receive, EITHER_BITS)
        pieces: list[bytes] = []
        size, is_over = 0, False
        while not is_over:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > most:
                law = f"the body must have at most {most} bytes"
                raise TooLarge(f"{law}; got {size} or more", field="body")
            is_over = not message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def hung_up(self) -> None:
        """Return once the caller has closed the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            pass


_Handler = Callable[[Asked], Awaitable[Response]]


def route(asked: Asked, parts: Sequence[str]) -> tuple[str, _Handler]:
    """Find the handler of a path, and the method that it is offered with.

    Raises
    ------
    UnknownName
        If there is nothing at that path.
    """
    fixed = _FIXED.get(tuple(parts))
    if fixed is not None:
        return fixed
    match parts:
        case ["models", model, "versions", version, *rest]:
            asked.model, asked.version = model, version
        case ["models", model, *rest]:
            asked.model = model
        case _:
            rest = ["", ""]
    found = _OF_MODELS.get(tuple(rest))
    if found is None:
        raise UnknownName(f"there is nothing at {asked.scope['path']}", field="path")
    return found


async def _server(asked: Asked) -> Response:
    asked.admit(Scope.READ)
    return as_json(server(EXTENSIONS))


async def _live(_: Asked) -> Response:
    return as_json({"live": True})


async def _ready(asked: Asked) -> Response:
    is_there = await is_in_office(asked.context)
    return as_json({"ready": is_there}, 200 if is_there else 400)


async def _metadata(asked: Asked) -> Response:
    asked.admit(Scope.READ)
    return as_json(metadata(await asked.record()))


async def _config(asked: Asked) -> Response:
    asked.admit(Scope.READ)
    return as_json(config(await asked.record()))


async def _model_ready(asked: Asked) -> Response:
    asked.admit(Scope.READ)
    record = await asked.record()
    is_there = await is_ready(record, asked.context)
    return as_json({"name": record.name, "ready": is_there}, 200 if is_there else 400)


async def _stats(asked: Asked) -> Response:
    asked.admit(Scope.READ)
    record = await asked.record()
    return as_json({"model_stats": [asked.called.of(record.name).said(record.name)]})


async def _all_stats(asked: Asked) -> Response:
    asked.admit(Scope.READ)
    records = await asked.context.store.models()
    found = [asked.called.of(record.name).said(record.name) for record in records]
    return as_json({"model_stats": found})


async def _index(asked: Asked) -> Response:
    asked.admit(Scope.READ)
    return as_json(index(await asked.context.store.models()))


async def _infer(asked: Asked) -> Response:
    asked.admit(Scope.SUBMIT)
    record = await asked.record()
    with asked.called.of(record.name).counted() as done:
        lengths = asked.values(HEADER_LENGTH)
        if len(lengths) > 1:
            law = "inference-header-content-length must be given once"
            raise InvalidInput(f"{law}; got {len(lengths)}", field=HEADER_LENGTH.decode())
        settings = asked.context.settings
        body = await asked.body(settings.max_request_bytes if lengths else settings.max_json_bytes)
        read = partial(
            read_request,
            body,
            lengths[0].decode("latin-1") if lengths else None,
            record.inputs,
            [info.name for info in record.outputs],
            most_json=settings.max_json_bytes,
        )
        is_long = not lengths and len(body) >= LARGE_JSON_BYTES
        request = await asyncio.to_thread(read) if is_long else read()
        found = await infer(record, request, asked.context, asked.hung_up)
        done(found.waited_us, found.computed_us)
    return inferred(record.name, VERSION, request.id, found.outputs, request.outputs)


_FIXED: dict[tuple[str, ...], tuple[str, _Handler]] = {
    (): ("GET", _server),
    ("health", "live"): ("GET", _live),
    ("health", "ready"): ("GET", _ready),
    ("models", "stats"): ("GET", _all_stats),
    ("repository", "index"): ("POST", _index),
}
_OF_MODELS: dict[tuple[str, ...], tuple[str, _Handler]] = {
    (): ("GET", _metadata),
    ("ready",): ("GET", _model_ready),
    ("config",): ("GET", _config),
    ("stats",): ("GET", _stats),
    ("infer",): ("POST", _infer),
}
