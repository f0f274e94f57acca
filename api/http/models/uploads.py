"""Model files as they come in: streamed, hashed, checked apart, and kept under their digest."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from pydantic import TypeAdapter, ValidationError

from api.http.body.multipart import MemorySink, MultipartReader, Part, Sink, read_stream
from api.http.context import Context
from api.http.errors import from_validation
from api.http.models.files import drop_unused_file, keep
from api.http.models.setups import choose, interface_of
from api.http.schemas import Name, ProfileShapes
from api.oracle.counting import PART_SUFFIX, Counted, read
from api.oracle.oracle import counts_of
from api.store.catalogue import ModelRecord, TensorInfo
from devices.models import ModelInfo, ModelLimits, check_in_child
from devices.models import TensorInfo as FoundTensor
from devices.tensors import DTYPES
from scheduler.control.events import ModelAdded
from scheduler.model.errors import DuplicateName, InvalidInput, InvalidModel, TooLarge, UnknownName
from scheduler.model.measuring import Kind

MAX_FIELD_BYTES = 64 * 1024
MAX_EXAMPLES_BYTES = 1024 * 1024
"""Of the JSON of example values: a number takes up to 20 characters."""
_FIELDS = frozenset({"name", "profile_shapes", "profile_inputs", "file"})
_NAME: TypeAdapter[str] = TypeAdapter(Name)
_SHAPES: TypeAdapter[dict[str, tuple[int, ...]]] = TypeAdapter(ProfileShapes)
_EXAMPLES: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that has come in whole, with its name and setup; nobody has checked it yet."""

    name: str
    profile_shapes: dict[str, tuple[int, ...]]
    profile_inputs: dict[str, Any]
    path: Path
    digest: str
    size_bytes: int


class _FileSink:
    """Writes a part to a file and hashes it; `TooLarge` over the limit."""

    def __init__(self, descriptor: int, max_bytes: int) -> None:
        self._descriptor = descriptor
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self.size_bytes += len(data)
        if self.size_bytes > self._max_bytes:
            law = f"file must have at most {self._max_bytes} bytes"
            raise TooLarge(f"{law}; got more", field="file")
        self._hash.update(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


@asynccontextmanager
async def received(request: Request, context: Context) -> AsyncIterator[Upload]:
    """Take an upload in; its file is gone when the block ends, unless it was moved."""
    context.models_dir.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(suffix=PART_SUFFIX, dir=context.models_dir)
    path = Path(name)
    try:
        try:
            upload = await _receive(request, descriptor, path, context.settings.max_model_bytes)
            await asyncio.to_thread(os.fsync, descriptor)
        finally:
            os.close(descriptor)
        yield upload
    finally:
        path.unlink(missing_ok=True)


async def accept(upload: Upload, context: Context) -> tuple[ModelRecord, bool]:
    """Check an upload and keep it; the model, and whether it is new.

    Raises
    ------
    DuplicateName
        If another model has the name.
    InvalidModel, TooLarge
        If the file is refused.
    """
    known = await _known(upload.name, context)
    if known is not None:
        return await _again(known, upload, context), False
    async with context.checking:
        info = await asyncio.to_thread(check_in_child, upload.path, _limits(context))
        record = _record(upload, info, context.store.now_us())
        counted = await asyncio.to_thread(_counted, upload, record, context)
    summary = counted.kept.summary if counted is not None else None
    event = ModelAdded(
        at_us=record.created_us,
        name=record.name,
        digest=record.digest,
        size_bytes=record.size_bytes,
        profile_shapes=record.profile_shapes,
        kind=summary.kind if summary is not None else Kind.UNKNOWN,
        counts=counted.checksum if counted is not None else "",
        examples=record.examples,
    )
    async with context.filing:
        await asyncio.to_thread(keep, upload.path, upload.digest, counted, context)
        try:
            await context.store.add_model(record, event)
        except DuplicateName:
            await drop_unused_file(upload.digest, context)
            return await _again(await context.store.model(upload.name), upload, context), False
        # A store that fails here may have kept the record, so the file stays; alone it is nothing
        # that anybody sees, and the next try takes its place.
    return record, True


async def _receive(request: Request, descriptor: int, path: Path, max_bytes: int) -> Upload:
    sink = _FileSink(descriptor, max_bytes)

    def open_sink(part: Part) -> Sink:
        if part.name == "file":
            return sink
        is_long = part.name == "profile_inputs"
        part.content = MemorySink(MAX_EXAMPLES_BYTES if is_long else MAX_FIELD_BYTES)
        return part.content

    reader = MultipartReader(request.headers.get("content-type", ""), open_sink)
    parts = _by_name(await read_stream(reader, request.stream()))
    if not sink.size_bytes:
        raise InvalidModel("file must be an ONNX file; got nothing", field="file")
    name = _name(parts["name"]) if "name" in parts else ""
    if not name:
        raise InvalidInput("name must be given; got nothing", field="name")
    return Upload(
        name=name,
        profile_shapes=_read(_SHAPES, parts, "profile_shapes"),
        profile_inputs=_read(_EXAMPLES, parts, "profile_inputs"),
        path=path,
        digest=sink.digest,
        size_bytes=sink.size_bytes,
    )


def _by_name(parts: list[Part]) -> dict[str, Part]:
    found: dict[str, Part] = {}
    for part in parts:
        if part.name not in _FIELDS:
            law = f"the form must have the fields {', '.join(sorted(_FIELDS))}"
            raise InvalidInput(f"{law}; got {part.name!r}", field=part.name)
        if part.name in found:
            raise InvalidInput(f"{part.name} must be given once; got another", field=part.name)
        found[part.name] = part
    return found


def _name(part: Part) -> str:
    text = bytes(part.content.data).decode(errors="replace")
    try:
        return _NAME.validate_python(text)
    except ValidationError as error:
        raise _invalid(error, "name") from None


def _read(kind: TypeAdapter[dict[str, _T]], parts: dict[str, Part], field: str) -> dict[str, _T]:
    if field not in parts:
        return {}
    try:
        return kind.validate_json(bytes(parts[field].content.data))
    except ValidationError as error:
        raise _invalid(error, field) from None


def _invalid(error: ValidationError, field: str) -> InvalidInput:
    """The error of a field of the form, by its place in the form."""
    faults = [{**fault, "loc": (field, *fault["loc"])} for fault in error.errors()]
    problem = from_validation(faults)
    return InvalidInput(problem.detail, field=problem.field)


async def _known(name: str, context: Context) -> ModelRecord | None:
    try:
        return await context.store.model(name)
    except UnknownName:
        return None


async def _again(known: ModelRecord, upload: Upload, context: Context) -> ModelRecord:
    """The model that is there, with the setup of an upload of the same file if that says one."""
    if known.digest != upload.digest:
        got = f"got other content, {upload.digest[:12]}, than the model of that name has"
        raise DuplicateName(f"name {upload.name!r} must be new; {got}", field="name")
    if not upload.profile_shapes and not upload.profile_inputs:
        return known
    chosen = choose(interface_of(known), upload.profile_shapes, upload.profile_inputs)
    record = replace(
        known,
        profile_shapes=chosen.setup.shapes,
        examples=chosen.setup.examples,
        assumed=chosen.assumed,
    )
    if record == known:
        return known
    event = ModelAdded(
        at_us=context.store.now_us(),
        name=record.name,
        digest=record.digest,
        size_bytes=record.size_bytes,
        profile_shapes=record.profile_shapes,
        examples=record.examples,
    )
    async with context.filing:
        await context.store.change_model(record, event)
    return record


def _record(upload: Upload, info: ModelInfo, at_us: int) -> ModelRecord:
    chosen = choose(info, upload.profile_shapes, upload.profile_inputs)
    return ModelRecord(
        name=upload.name,
        digest=upload.digest,
        size_bytes=upload.size_bytes,
        inputs=tuple(_info(tensor) for tensor in info.inputs),
        outputs=tuple(_info(tensor) for tensor in info.outputs),
        created_us=at_us,
        profile_shapes=chosen.setup.shapes,
        examples=chosen.setup.examples,
        assumed=chosen.assumed,
    )


def _info(tensor: FoundTensor) -> TensorInfo:
    if tensor.dtype not in DTYPES:
        known = ", ".join(sorted(DTYPES))
        law = f"{tensor.name!r} must have an element type that is carried here ({known})"
        raise InvalidModel(f"{law}; got {tensor.dtype}: cast it inside the model", field="model")
    if tensor.shape is None:
        return TensorInfo(name=tensor.name, dtype=tensor.dtype, shape=None)
    shape = tuple(-1 if size is None else size for size in tensor.shape)
    return TensorInfo(name=tensor.name, dtype=tensor.dtype, shape=shape)


def _limits(context: Context) -> ModelLimits:
    settings = context.settings
    return ModelLimits(max_bytes=settings.max_model_bytes, memory_bytes=settings.check_bytes)


def _counted(upload: Upload, record: ModelRecord, context: Context) -> Counted | None:
    """Costs of the graph; those counted before, where a model of another name has it."""
    known = read(context.models_dir, upload.digest)
    return known or counts_of(upload.path, record.profile_shapes, limits=_limits(context))
