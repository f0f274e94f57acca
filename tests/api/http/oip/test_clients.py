"""Unchanged clients of Triton against a real service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.api.http.oip.conftest import Reached

triton = pytest.importorskip("tritonclient.http")
triton_aio = pytest.importorskip("tritonclient.http.aio")
utils = pytest.importorskip("tritonclient.utils")

pytestmark = pytest.mark.anyio

X = np.array([[1, 2, 3]], np.float32)


@pytest.fixture(scope="module")
def address(client: httpx.AsyncClient) -> str:
    return f"{client.base_url.host}:{client.base_url.port}"


@pytest.fixture
async def aio(address: str) -> AsyncIterator[Any]:
    async with triton_aio.InferenceServerClient(address) as found:
        yield found


def asked(array: Any, *, is_binary: bool, name: str = "x") -> list[Any]:
    found = triton.InferInput(name, list(array.shape), utils.np_to_triton_dtype(array.dtype))
    found.set_data_from_numpy(array, binary_data=is_binary)
    return [found]


@pytest.mark.parametrize("is_binary", [True, False])
async def test_the_client_infers(address: str, reached: Reached, is_binary: bool) -> None:
    await reached("double")

    def infer() -> list[Any]:
        found = triton.InferenceServerClient(address)
        try:
            wanted = [triton.InferRequestedOutput("y", binary_data=is_binary)]
            plain = found.infer("double", asked(X, is_binary=is_binary))
            chosen = found.infer("double", asked(X, is_binary=is_binary), outputs=wanted)
            packed = found.infer(
                "double",
                asked(X, is_binary=is_binary),
                request_compression_algorithm="deflate",
                response_compression_algorithm="gzip",
                request_id="seven",
            )
            assert packed.get_response()["id"] == "seven"
            return [each.as_numpy("y").tolist() for each in (plain, chosen, packed)]
        finally:
            found.close()

    assert await asyncio.to_thread(infer) == [[[2.0, 4.0, 6.0]]] * 3


async def test_the_client_asks_about_everything(address: str) -> None:
    def ask() -> None:
        found = triton.InferenceServerClient(address)
        try:
            assert found.is_server_live()
            assert found.is_server_ready()
            assert found.is_model_ready("double")
            assert not found.is_model_ready("nope")
            assert found.get_server_metadata()["name"] == "fjord"
            assert found.get_model_metadata("double", "1")["versions"] == ["1"]
            assert found.get_model_config("double")["max_batch_size"] == 0
            assert found.get_inference_statistics()["model_stats"]
            assert found.get_model_repository_index()
            with pytest.raises(utils.InferenceServerException, match="there is no model 'nope'"):
                found.get_model_metadata("nope")
        finally:
            found.close()

    await asyncio.to_thread(ask)


async def test_the_asyncio_client_infers(aio: Any, reached: Reached) -> None:
    await reached("double")
    assert await aio.is_server_live()
    assert await aio.is_model_ready("double")
    found = await aio.infer("double", asked(X, is_binary=True), priority=2, timeout=20_000_000)
    assert found.as_numpy("y").tolist() == [[2.0, 4.0, 6.0]]


async def test_texts_come_back_as_the_client_has_them(aio: Any, reached: Reached) -> None:
    await reached("texts")
    texts = np.array(["a", "zwölf"], dtype=object)
    for is_binary, expected in ((True, "zwölf".encode()), (False, "zwölf")):
        wanted = [triton.InferRequestedOutput("out:put", binary_data=is_binary)]
        given = asked(texts, is_binary=is_binary, name="in.put")
        found = await aio.infer("texts", given, outputs=wanted)
        assert found.as_numpy("out:put").tolist()[1] == expected


async def test_an_error_reaches_the_client_as_its_own_exception(aio: Any) -> None:
    wrong = asked(X.astype(np.float64), is_binary=True)
    with pytest.raises(utils.InferenceServerException, match="datatype must be FP32; got 'FP64'"):
        await aio.infer("double", wrong)
