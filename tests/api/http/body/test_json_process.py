"""Long bodies of JSON are read outside of the service, to the same values and refusals."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import psutil
import pytest

from api.http.body.json_body import from_json_body
from api.http.body.json_process import KEPT_BYTES, JsonProcess
from api.http.body.submission import LARGE_JSON_BYTES
from scheduler.model.errors import InvalidInput

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reader() -> AsyncIterator[JsonProcess]:
    async with JsonProcess() as process:
        yield process


def _body(**changes: Any) -> bytes:
    data = {"dtype": "float32", "data": [[0.5, 1, -2]] * 20_000}
    body = json.dumps({"priority": "high", "inputs": {"x": data}} | changes).encode()
    assert len(body) > LARGE_JSON_BYTES
    return body


async def test_a_long_body_is_read_as_a_short_one_is(reader: JsonProcess) -> None:
    there, here = await reader.read(_body()), from_json_body(_body())
    assert there.settings == here.settings
    np.testing.assert_array_equal(there.inputs["x"], here.inputs["x"])


@pytest.mark.parametrize("body", [_body(weight=0), _body()[:-1], _body()[:-3] + b"\xff}}"])
async def test_a_long_body_is_refused_as_a_short_one_is(reader: JsonProcess, body: bytes) -> None:
    with pytest.raises(InvalidInput) as here:
        from_json_body(body)
    with pytest.raises(InvalidInput) as there:
        await reader.read(body)
    assert (there.value.message, there.value.field) == (here.value.message, here.value.field)


async def test_a_body_is_read_although_the_process_of_the_one_before_was_killed(
    reader: JsonProcess,
) -> None:
    await reader.read(_body())
    assert reader._child.pid is not None
    os.kill(reader._child.pid, signal.SIGKILL)
    assert (await reader.read(_body())).inputs["x"][0][0] == 0.5


async def test_what_a_body_took_in_memory_goes_with_its_process(reader: JsonProcess) -> None:
    many = b'{"inputs": {"x": {"dtype": "float32", "data": [' + b"[1]," * 2_000_000 + b"[1]]}}}"
    assert len((await reader.read(many)).inputs["x"]) == 2_000_001
    pid = reader._child.pid
    assert pid is None or psutil.Process(pid).memory_info().rss < KEPT_BYTES
