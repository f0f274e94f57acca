"""Model files of an agent: downloaded once, known by their digest."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import httpx

from scheduler.model.errors import DeviceLost, InvalidModel, OutOfSpace

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ModelCache:
    """A folder of ``<sha256>.onnx`` files.

    Parameters
    ----------
    client
        Reaches the service.
    """

    def __init__(self, folder: Path, client: httpx.AsyncClient, headers: Mapping[str, str]) -> None:
        self._folder = folder
        self._client = client
        self._headers = dict(headers)
        folder.mkdir(parents=True, exist_ok=True)

    async def path(self, digest: str) -> Path:
        """The file of a model, downloaded if it is not here.

        Raises
        ------
        DeviceLost
            If the service does not hand it out.
        InvalidModel
            If the file that came has another digest.
        OutOfSpace
            If the disk is full.
        """
        if not _DIGEST.fullmatch(digest):
            raise InvalidModel(f"digest must be a SHA-256 in hex; got {digest!r}", field="digest")
        path = self._folder / f"{digest}.onnx"
        if not path.exists():
            temporary = self._folder / f".{digest}.{os.getpid()}"
            try:
                await self._download(digest, temporary)
                temporary.rename(path)
            finally:
                temporary.unlink(missing_ok=True)
        return path

    async def _download(self, digest: str, target: Path) -> None:
        address = f"/v1/models/by-digest/{digest}/file"
        seen = hashlib.sha256()
        try:
            async with self._client.stream("GET", address, headers=self._headers) as answer:
                if answer.status_code == 404:
                    raise DeviceLost(f"model {digest} is gone", retry_after_us=0)
                answer.raise_for_status()
                with target.open("wb") as file:
                    async for chunk in answer.aiter_bytes():
                        seen.update(chunk)
                        file.write(chunk)
        except httpx.HTTPError as error:
            raise DeviceLost(f"model {digest} cannot be fetched: {error}") from error
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise OutOfSpace(f"no room for model {digest} in {self._folder}") from error
            raise
        if seen.hexdigest() != digest:
            raise InvalidModel(f"model must have the digest {digest}; got {seen.hexdigest()}")
