"""Models: upload, list, describe, delete, and hand to agents."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import FileResponse, Response

from api.http.answers import ModelList
from api.http.auth import Scope
from api.http.context import Context, of
from api.http.models.files import drop_unused_file
from api.http.models.partitions import refuse_if_used, remove_partitions
from api.http.models.uploads import accept, received
from api.http.oip.inference import forget
from api.http.routes.common import file_of, json_of, reply, route, router_of
from api.http.show.models import model_answer
from scheduler.control.events import ModelRemoved
from scheduler.model.errors import Conflict, UnknownName
from scheduler.model.messages import Profile

router = router_of("models", prefix="/v1/models")

_UPLOAD = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["name", "file"],
            "properties": {
                "name": {"type": "string"},
                "file": {"type": "string", "format": "binary"},
                "profile_shapes": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {"type": "integer"}},
                    "description": "Input shapes to measure with, where the file leaves them open.",
                },
                "profile_inputs": {
                    "type": "object",
                    "description": "Values to measure with, of inputs that are settings or states: "
                    "a value, a nested list, or an object of data and shape.",
                },
            },
        }
    }
}


@router.post(
    "",
    **route(
        Scope.OPERATE,
        {
            201: json_of("ModelAnswer", "The model was added; it is measured now."),
            200: json_of(
                "ModelAnswer",
                "The model was there; with other shapes or inputs it is measured anew.",
            ),
        },
        _UPLOAD,
    ),
)
async def add_model(request: Request) -> Response:
    """Upload an ONNX model. It is checked in a process of its own before it is kept."""
    context = of(request)
    async with received(request, context) as upload:
        record, is_new = await accept(upload, context)
    answer = model_answer(record, () if is_new else await _profiles(context))
    return reply(answer, 201 if is_new else 200, {"Location": f"/v1/models/{record.name}"})


@router.get("", **route(Scope.READ, {200: json_of("ModelList", "All models by name.")}))
async def list_models(request: Request) -> Response:
    """List the models, each with what was measured of it so far."""
    context = of(request)
    profiles = await _profiles(context)
    records = await context.store.models()
    return reply(ModelList(models=[model_answer(record, profiles) for record in records]))


@router.get("/{name}", **route(Scope.READ, {200: json_of("ModelAnswer", "The model.")}))
async def get_model(request: Request, name: str) -> Response:
    """Describe a model, with what was measured of it on each machine."""
    context = of(request)
    record = await context.store.model(name)
    return reply(model_answer(record, await _profiles(context)))


@router.delete("/{name}", **route(Scope.OPERATE, {204: {"description": "It is gone."}}))
async def delete_model(request: Request, name: str) -> Response:
    """Delete a model that no workload uses."""
    context = of(request)
    async with context.filing:
        record = await context.store.model(name)
        if record.piece_of:
            law = f"a piece goes with its partition of model {record.piece_of!r}"
            raise Conflict(f"{law}; got {name!r}", field="name")
        await forget(name, context)
        pieces = {piece.model for each in record.partitions for piece in each.pieces}
        await refuse_if_used({name, *pieces}, f"model {name!r}", context)
        await remove_partitions(record, context)
        event = ModelRemoved(at_us=context.store.now_us(), name=name, digest=record.digest)
        await context.store.remove_model(event)
        await drop_unused_file(record.digest, context)
    return Response(status_code=204)


@router.get(
    "/by-digest/{digest}/file",
    **route(Scope.AGENT, {200: file_of("application/octet-stream", "The ONNX file.")}),
)
async def get_model_file(request: Request, digest: str) -> Response:
    """Fetch the file of a model by its SHA-256."""
    context = of(request)
    record = await context.store.model_by_digest(digest)
    path = context.model_path(record.digest)
    if not path.is_file():
        # Models of a site whose service moved to another computer without its data folder.
        raise UnknownName(f"the file of model {record.name!r} is not here", field="digest")
    return FileResponse(path, media_type="application/octet-stream")


async def _profiles(context: Context) -> tuple[Profile, ...]:
    view = await context.store.view()
    return view.profiles if view is not None else ()
