"""Tensors outside messages: files in shared memory, read in place by every process of a box.

A tensor up to `inline_bytes` travels inside its reference; a larger one is a raw little-endian,
row-major file below the box's folder, written once under a key that no other attempt uses.
"""

from __future__ import annotations

import errno
import itertools
import mmap
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from devices.tensors.encoding import decoded, encoded
from fjord.functions.types import Array, ArrayOrList
from scheduler.model.errors import DeviceLost, InvalidTensor, OutOfSpace
from scheduler.model.messages import Release, TensorRef, Value

if TYPE_CHECKING:
    import httpx

DEFAULT_INLINE_BYTES = 4096
# No part may start with a dot: such names are temporary files, and ``..`` climbs.
_KEY = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}/[A-Za-z0-9%_~\[\]-][A-Za-z0-9%._~\[\]-]{0,254}"
)
# File systems end names at 255 bytes; the rest is for the index and a temporary suffix.
_LONGEST_NAME = 180
_GONE = frozenset({404, 410})
_serial = itertools.count()
BLANK = "blank"
"""A run that no run is called: its tensors are made to measure links."""


class TensorStore:
    """The tensors of one box.

    Parameters
    ----------
    root
        Folder below which the files lie; all processes of the box use the same.
    url
        Base address under which others fetch this box's files: ``<url>/tensors/<key>``.
    inline_bytes
        Tensors up to this size travel inside their references.
    """

    def __init__(
        self, root: Path, box: str, url: str, inline_bytes: int = DEFAULT_INLINE_BYTES
    ) -> None:
        self.root = root
        self.box = box
        self.url = url
        self.inline_bytes = inline_bytes
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, run: str, name: str, value: ArrayOrList) -> Value:
        """Store an output under ``<run>/<name>.<index>``; any `name` is made safe for a file.

        Raises
        ------
        InvalidTensor
            If an element type is not supported.
        OutOfSpace
            If the memory file system is full.
        """
        arrays = value if isinstance(value, list) else [value]
        stem = _safe(name)
        refs = tuple(
            self._put_one(f"{run}/{stem}.{index}", array) for index, array in enumerate(arrays)
        )
        return Value(tensors=refs, is_list=isinstance(value, list))

    def get(self, value: Value) -> ArrayOrList:
        """Read-only arrays of a value that is inline or on this box; files are not copied.

        Raises
        ------
        DeviceLost
            If a file is gone.
        InvalidTensor
            If a tensor is on another box, or its bytes do not match its type and shape.
        """
        if value.is_list:
            return [self._get_one(ref) for ref in value.tensors]
        (ref,) = value.tensors
        return self._get_one(ref)

    def path(self, key: str) -> Path:
        """File of a key.

        Raises
        ------
        InvalidTensor
            If the key could lead out of the folder.
        """
        if not _KEY.fullmatch(key):
            raise InvalidTensor(f"tensor key must be <run>/<name>; got {key!r}", field="key")
        return self.root / key

    def release(self, release: Release) -> None:
        """Delete a run's tensors but for those to keep; one that is already gone is no error."""
        folder = self.path(f"{release.run}/x").parent
        keep = set(release.keep)
        # The API and an agent of one box may release the same run at the same moment.
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if f"{release.run}/{entry.name}" not in keep:
                    Path(entry.path).unlink(missing_ok=True)
        if not keep:
            _remove_if_empty(folder)

    async def localise(
        self, value: Value, client: httpx.AsyncClient, headers: Mapping[str, str]
    ) -> Value:
        """The same value, with every tensor inline or on this box.

        Raises
        ------
        DeviceLost
            If a tensor cannot be fetched; `retry_after_us` is 0 when it is gone for good.
        OutOfSpace
            If there is no room for it.
        """
        if self.is_local(value):
            return value
        refs = [await self._localise_one(ref, client, headers) for ref in value.tensors]
        return replace(value, tensors=tuple(refs))

    def is_local(self, value: Value) -> bool:
        """True if every tensor is inline or on this box."""
        return all(ref.inline is not None or ref.box == self.box for ref in value.tensors)

    def _put_one(self, key: str, array: Array) -> TensorRef:
        path = self.path(key)
        dtype, raw = encoded(array, key)
        size = len(raw)
        ref = TensorRef(dtype=dtype, shape=array.shape, size_bytes=size)
        if size <= self.inline_bytes:
            return replace(ref, inline=bytes(raw))
        with _writing(path) as file:
            _write_all(file, raw)
        return replace(ref, box=self.box, key=key, url=self.url)

    def _get_one(self, ref: TensorRef) -> Array:
        if ref.inline is not None:
            return decoded(ref, ref.inline)
        if ref.box != self.box:
            raise InvalidTensor(f"tensor {ref.key!r} is on box {ref.box!r}, not on {self.box!r}")
        return decoded(ref, self._map(ref))

    def _map(self, ref: TensorRef) -> mmap.mmap | bytes:
        try:
            descriptor = os.open(self.path(ref.key), os.O_RDONLY)
        except FileNotFoundError:
            raise DeviceLost(
                f"tensor {ref.key!r} is gone from box {self.box!r}", retry_after_us=0
            ) from None
        try:
            if not os.fstat(descriptor).st_size:  # an empty file cannot be mapped
                return b""
            return mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)

    async def _localise_one(
        self, ref: TensorRef, client: httpx.AsyncClient, headers: Mapping[str, str]
    ) -> TensorRef:
        if ref.inline is not None or ref.box == self.box:
            return ref
        path = self.path(ref.key)
        if not path.exists():
            await _download(ref, path, client, headers)
        return replace(ref, box=self.box, url=self.url)


async def _download(
    ref: TensorRef, path: Path, client: httpx.AsyncClient, headers: Mapping[str, str]
) -> None:
    import httpx  # here, because workers read tensors but never fetch

    address = f"{ref.url}/tensors/{quote(ref.key)}"
    received = 0
    try:
        async with client.stream("GET", address, headers=dict(headers)) as answer:
            if answer.status_code in _GONE:
                raise DeviceLost(f"tensor {ref.key!r} is gone from {ref.url}", retry_after_us=0)
            answer.raise_for_status()
            with _writing(path) as file:
                async for chunk in answer.aiter_bytes():
                    received += len(chunk)
                    _write_all(file, chunk)
                if received != ref.size_bytes:
                    raise DeviceLost(
                        f"tensor {ref.key!r} must have {ref.size_bytes} bytes; got {received}"
                    )
    except httpx.HTTPError as error:
        raise DeviceLost(f"tensor {ref.key!r} cannot be fetched from {ref.url}: {error}") from error


@contextmanager
def _writing(path: Path) -> Iterator[Any]:
    """A file that appears under its name whole or not at all."""
    temporary = path.parent / f".{path.name}.{os.getpid()}.{next(_serial)}"
    try:
        with _open_new(temporary) as file:
            yield file
        temporary.rename(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise OutOfSpace(f"no room for tensor {path.name!r} in {path.parent.parent}") from error
        raise


def _open_new(path: Path) -> Any:
    try:
        return path.open("xb", buffering=0)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path.open("xb", buffering=0)


def _write_all(file: Any, raw: bytes | memoryview) -> None:
    # An unbuffered file takes at most 2 GiB at once, and less when space runs out.
    view = memoryview(raw)
    while view:
        view = view[file.write(view) :]


def _safe(name: str) -> str:
    """A file name that no other name gives, without separators or a leading dot."""
    safe = quote(name, safe="[]")
    if safe.startswith("."):
        safe = f"%2E{safe[1:]}"
    if len(safe) <= _LONGEST_NAME:
        return safe
    return f"{safe[: _LONGEST_NAME - 33]}~{sha256(name.encode()).hexdigest()[:32]}"


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        # A writer may have come between; the next release of the run removes its files.
        if error.errno not in {errno.ENOTEMPTY, errno.ENOENT}:
            raise
