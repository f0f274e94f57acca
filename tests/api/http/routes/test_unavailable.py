"""A service without its store, or without room, says so and leaves nothing half made."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
from scheduler.model import keys
from tests.api.http.routes.conftest import doubling_model, npy, serving
from tests.api.http.routes.refused.asking import model

pytestmark = pytest.mark.anyio

BODY = {
    "name": "w",
    "inputs": {"s": {"dtype": "float32", "shape": [1, -1]}},
    "stages": [{"name": "a", "function": "arg_max", "inputs": {"scores": "s"}}],
    "outputs": {"i": "a.indices"},
}


async def test_a_dead_store_is_said_and_a_revived_one_is_used(
    tmp_path: Path, eventually: Any
) -> None:
    store = EmbeddedStore(Settings(data_dir=tmp_path / "store"))
    settings = Settings(data_dir=tmp_path, store_url=store.start(), site="dead", box=tmp_path.name)
    async with serving(settings) as (url, context), httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/v1/workloads", json=BODY)).status_code == 201
        run = {"inputs": {"s": {"dtype": "float32", "data": [[1] * 5000]}}}
        assert (await client.post("/v1/workloads/w/runs", json=run)).status_code == 202
        waiting = asyncio.create_task(client.post("/v1/workloads/w/runs?wait_s=60", json=run))

        async def is_accepted() -> bool:
            return len(await context.store.runs()) == 2

        await eventually(is_accepted)
        store.stop()
        for method, path, arguments in (
            ("GET", "/readyz", {}),
            ("GET", "/v1/schedule", {}),
            ("POST", "/v1/workloads/w/runs", {"json": run}),
            ("POST", "/v1/workloads", {"json": BODY}),
            ("POST", "/v1/models", model(doubling_model())),
        ):
            answer = await client.request(method, path, **arguments)
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
            assert "store" in answer.json()["detail"]
        assert list(context.models_dir.iterdir()) == []
        assert len(list(context.services.tensors.root.glob("r-*"))) == 2
        assert (await client.get("/healthz")).status_code == 200
        store.start()

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await eventually(is_ready)
        runs = (await client.get("/v1/runs")).json()["runs"]
        for record in runs:
            await client.delete(f"/v1/runs/{record['run']}")
        answer = await waiting
        assert answer.json()["run"] in [record["run"] for record in runs]
        assert len(runs) == 2
    store.stop()


async def test_a_controller_that_took_office_and_shows_nothing_yet_is_not_ready(
    store_url: str, tmp_path: Path, eventually: Any
) -> None:
    settings = Settings(data_dir=tmp_path, store_url=store_url, site=tmp_path.name, box="folding")
    async with serving(settings) as (url, context), httpx.AsyncClient(base_url=url) as client:

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await eventually(is_ready)
        lease = keys.lease(context.store.site)
        await context.store.call("SET", lease, "another:1000")
        answer = await client.get("/readyz")
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        assert "has made no view yet" in answer.json()["detail"]
        await context.store.call("DEL", lease)
        await eventually(is_ready)


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """A file system of 1 MiB where we may mount one; else a limit on the size of files."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0:
        try:
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_is_said_and_leaves_nothing(store_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, store_url=store_url, site=tmp_path.name, box="full")
    async with serving(settings) as (url, context), httpx.AsyncClient(base_url=url) as client:
        with _small_disk(context.models_dir):
            answer = await client.post("/v1/models", **model(b"x" * 3_000_000))
            assert answer.status_code == 507, answer.text
            assert answer.json()["title"] == "out of space"
            assert "the data folder must have room" in answer.json()["detail"]
            assert list(context.models_dir.iterdir()) == []
            assert (await client.post("/v1/models", **model(doubling_model()))).status_code == 201


async def test_full_memory_for_tensors_is_said_and_leaves_nothing(
    store_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, store_url=store_url, site=tmp_path.name, box="memory")
    async with serving(settings) as (url, context), httpx.AsyncClient(base_url=url) as client:
        await client.post("/v1/workloads", json=BODY)
        root = context.services.tensors.root
        root.rmdir()
        with _small_disk(root):
            large = npy(np.zeros((1, 1_000_000), np.float32))
            answer = await client.post("/v1/workloads/w/runs", files={"s": ("s.npy", large)})
            assert answer.status_code == 507, answer.text
            assert list(root.glob("*/*")) == []
            assert (await client.get("/v1/runs")).json()["runs"] == []
