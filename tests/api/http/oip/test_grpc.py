"""Unchanged clients of Triton over gRPC against a real service."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import grpc
import numpy as np
import pytest
from google.protobuf import runtime_version

from api.http.auth import Scope, Token, WatchedGate, digest, write_tokens
from api.http.oip.models import Called
from api.http.oip.rpc.messages import DEFINITIONS, SERVICE, message_class
from api.http.oip.rpc.server import serving
from tests.api.http.oip.conftest import Reached
from tests.api.http.oip.test_leases import workers
from tests.api.http.routes.conftest import Service

with patch.object(runtime_version, "ValidateProtobufRuntimeVersion"):
    # The client takes protobuf from 6.30 on, and its messages ask for 6.33.5, which OR-Tools does
    # not take.
    triton = pytest.importorskip("tritonclient.grpc")
    triton_aio = pytest.importorskip("tritonclient.grpc.aio")
utils = pytest.importorskip("tritonclient.utils")

pytestmark = pytest.mark.anyio

X = np.array([[1, 2, 3]], np.float32)


@pytest.fixture(scope="module")
async def address(client: object, service: Service) -> AsyncIterator[str]:
    async with serving(service.context, Called(), 0) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture
async def aio(address: str) -> AsyncIterator[Any]:
    async with triton_aio.InferenceServerClient(address) as found:
        yield found


def asked(array: Any, name: str = "x") -> list[Any]:
    found = triton.InferInput(name, list(array.shape), utils.np_to_triton_dtype(array.dtype))
    found.set_data_from_numpy(array)
    return [found]


def calling(address: str, name: str) -> Any:
    """A method of the service, as a client of any language would call it."""
    kind = message_class("ModelInferResponse")
    channel = grpc.aio.insecure_channel(address)
    return channel.unary_unary(
        f"/{SERVICE}/{name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=kind.FromString,
    )


def same_fields(ours: Any, theirs: Any) -> None:
    by_number = {field.number: field for field in theirs.fields}
    for field in ours.fields:
        other = by_number[field.number]
        assert (field.name, field.type) == (other.name, other.type)
        assert field.is_repeated == other.is_repeated
        if field.message_type:
            same_fields(field.message_type, other.message_type)


def test_messages_are_those_of_the_published_clients() -> None:
    published = triton.service_pb2.DESCRIPTOR.message_types_by_name
    compared = [name for name in DEFINITIONS if name in published]
    assert len(compared) >= 20
    for name in compared:
        same_fields(message_class(name).DESCRIPTOR, published[name])


async def test_the_client_infers_under_a_lease(aio: Any, reached: Reached) -> None:
    await reached("double")
    wanted = [triton.InferRequestedOutput("y")]
    found = await aio.infer("double", asked(X), outputs=wanted, request_id="seven", priority=2)
    assert found.as_numpy("y").tolist() == [[2.0, 4.0, 6.0]]
    assert found.get_response().id == "seven"


async def test_texts_and_half_precision_come_as_they_went(aio: Any) -> None:
    texts = np.array(["a", "zwölf"], dtype=object)
    found = await aio.infer("texts", asked(texts, "in.put"))
    assert found.as_numpy("out:put").tolist() == [b"a", "zwölf".encode()]
    halves = np.array([0.5, 65504], np.float16)
    found = await aio.infer("halves", asked(halves, "in.put"))
    assert found.as_numpy("out:put").tolist() == halves.tolist()


async def test_the_client_asks_about_everything(aio: Any) -> None:
    assert await aio.is_server_live()
    assert await aio.is_server_ready()
    assert await aio.is_model_ready("double")
    assert (await aio.get_server_metadata()).name == "fjord"
    assert (await aio.get_model_metadata("double", "1")).inputs[0].datatype == "FP32"
    stats = await aio.get_inference_statistics("double")
    assert stats.model_stats[0].inference_stats.success.count >= 1
    names = [each.name for each in (await aio.get_model_repository_index()).models]
    assert sorted(names) == ["double", "halves", "texts"]


async def test_the_synchronous_client_streams_and_an_error_does_not_end_the_stream(
    address: str,
) -> None:
    def stream() -> list[Any]:
        found: queue.Queue[Any] = queue.Queue()
        with triton.InferenceServerClient(address) as client:
            client.start_stream(lambda result, error: found.put((result, error)))
            client.async_stream_infer("double", asked(X))
            client.async_stream_infer("nope", asked(X))
            client.async_stream_infer("double", asked(2 * X))
            return [found.get(timeout=30) for _ in range(3)]

    first, wrong, last = await asyncio.to_thread(stream)
    assert first[0].as_numpy("y").tolist() == [[2.0, 4.0, 6.0]]
    assert "there is no model 'nope'" in str(wrong[1])
    assert last[0].as_numpy("y").tolist() == [[4.0, 8.0, 12.0]]


async def test_elements_come_one_by_one_from_clients_that_send_no_raw_bytes(address: str) -> None:
    request = message_class("ModelInferRequest")(model_name="double")
    given = request.inputs.add(name="x", datatype="FP32", shape=[1, 3])
    given.contents.fp32_contents.extend([1, 2, 3])
    answer = await calling(address, "ModelInfer")(request)
    assert np.frombuffer(answer.raw_output_contents[0], np.float32).tolist() == [2, 4, 6]


@pytest.mark.parametrize(
    ("change", "code", "law"),
    [
        ({"model_name": "nope"}, "NOT_FOUND", "there is no model 'nope'"),
        ({"model_version": "2"}, "NOT_FOUND", "version of model 'double' must be 1; got '2'"),
        ({"raw_input_contents": [b""]}, "INVALID_ARGUMENT", "must have 12 bytes"),
        ({"raw_input_contents": [b"", b""]}, "INVALID_ARGUMENT", "all 1 inputs or none; got 2"),
        ({"raw_input_contents": []}, "INVALID_ARGUMENT", "must have 3 elements"),
        ({"inputs": []}, "INVALID_ARGUMENT", "inputs must have all inputs of the model: x"),
    ],
)
async def test_bad_requests_are_refused_with_a_code_and_the_law(
    address: str, change: dict[str, Any], code: str, law: str
) -> None:
    fields: dict[str, Any] = {
        "model_name": "double",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3]}],
        "raw_input_contents": [X.tobytes()],
        **change,
    }
    if not fields["inputs"]:
        fields["raw_input_contents"] = []
    request = message_class("ModelInferRequest")(**fields)
    with pytest.raises(grpc.aio.AioRpcError, match=law) as refused:
        await calling(address, "ModelInfer")(request)
    assert refused.value.code() is getattr(grpc.StatusCode, code)


async def test_a_type_without_elements_must_come_as_raw_bytes(address: str) -> None:
    request = message_class("ModelInferRequest")(model_name="halves")
    request.inputs.add(name="in.put", datatype="FP16", shape=[1])
    with pytest.raises(grpc.aio.AioRpcError, match="must come as raw bytes; got none for FP16"):
        await calling(address, "ModelInfer")(request)


async def test_a_token_is_asked_for_where_some_are_set(service: Service, tmp_path: Path) -> None:
    write_tokens(tmp_path, [Token(name="reader", sha256=digest("secret"), scopes=(Scope.READ,))])
    context = replace(service.context, gates=WatchedGate(tmp_path))
    async with (
        serving(context, Called(), 0) as port,
        triton_aio.InferenceServerClient(f"127.0.0.1:{port}") as client,
    ):
        refused = partial(pytest.raises, utils.InferenceServerException)
        with refused(match="a bearer token must be given; got none"):
            await client.get_server_metadata()
        headers = {"authorization": "Bearer secret"}
        assert (await client.get_server_metadata(headers=headers)).name == "fjord"
        with refused(match="must have scope submit; got read"):
            await client.infer("double", asked(X), headers=headers)


async def test_a_deadline_of_the_caller_is_that_of_the_call(aio: Any) -> None:
    with pytest.raises(utils.InferenceServerException, match=r"(?i)deadline|must be there within"):
        await aio.infer("texts", asked(np.array(["a"], dtype=object), "in.put"), timeout=1)


async def test_who_goes_away_while_a_call_waits_leaves_no_trace(aio: Any, reached: Reached) -> None:
    await reached("double")
    stopped = workers()
    for worker in stopped:
        os.kill(worker.pid, signal.SIGSTOP)
    try:
        waiting = asyncio.create_task(aio.infer("double", asked(X)))
        await asyncio.sleep(0.3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        for worker in stopped:
            os.kill(worker.pid, signal.SIGCONT)
    found = await aio.infer("double", asked(2 * X))
    assert found.as_numpy("y").tolist() == [[4.0, 8.0, 12.0]]
