"""Bad input is answered with its field, law and value, and leaves nothing half made."""

from __future__ import annotations

import io
import zipfile
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.api.http.routes.conftest import Service, npy
from tests.api.http.routes.refused import graphs, models, requests, runs

pytestmark = pytest.mark.anyio

CASES = graphs.CASES | models.CASES | requests.CASES | runs.CASES


@pytest.fixture(scope="module")
async def good(service: Service) -> Service:
    """A service with a workload that bad requests can be aimed at."""
    await service.add_doubling("good")
    return service


@pytest.mark.parametrize("name", CASES)
async def test_bad_input_gets_a_clear_answer_and_makes_nothing(good: Service, name: str) -> None:
    case = CASES[name]
    before = await _all_there_is(good)
    answer = await good.client.request(case.method, case.url, **case.arguments)
    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.get("field", "") == case.field
    for words in case.words:
        assert words in problem["detail"]
    assert await _all_there_is(good) == before


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
async def test_an_archive_damaged_anywhere_is_refused_or_read(good: Service, method: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("x.npy", npy(np.zeros((1, 3), np.float32)))
    whole = file.getvalue()
    random = Random(0)
    damaged = [whole[: random.randrange(len(whole))] for _ in range(10)]
    for _ in range(40):
        changed = bytearray(whole)
        changed[random.randrange(len(whole))] ^= random.randrange(1, 256)
        damaged.append(bytes(changed))
    for content in damaged:
        files = {"x": ("x.npz", content)}
        answer = await good.client.post("/v1/workloads/good/plan", files=files)
        assert answer.status_code in {200, 413, 422}, answer.text


async def _all_there_is(service: Service) -> tuple[Any, ...]:
    store, tensors = service.context.store, service.context.services.tensors
    return (
        await store.models(),
        await store.workloads(),
        [record.run for record in await store.runs()],
        sorted(path.name for path in service.context.models_dir.iterdir()),
        sorted(path.name for path in tensors.root.glob("r-*/*")),
    )
