"""The Open Inference Protocol as its text has it, spoken by hand."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from typing import Any

import httpx
import numpy as np
import pytest

from tests.api.http.oip.conftest import JSON_IN, Reached
from tests.api.http.routes.conftest import Service

pytestmark = pytest.mark.anyio

INFER = "/v2/models/double/infer"
LENGTH = "Inference-Header-Content-Length"
X = np.array([[1, 2, 3]], np.float32)


def binary(header: dict[str, Any], *tensors: bytes) -> dict[str, Any]:
    """Arguments of a request whose tensors lie behind its header."""
    text = json.dumps(header).encode()
    return {"content": text + b"".join(tensors), "headers": {LENGTH: str(len(text))}}


def given(name: str, shape: list[int], datatype: str, **rest: Any) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, **rest}


def raw_x(size: int = 12, **rest: Any) -> dict[str, Any]:
    return given("x", [1, 3], "FP32", parameters={"binary_data_size": size}, **rest)


async def test_the_server_tells_of_itself(client: httpx.AsyncClient) -> None:
    said = (await client.get("/v2")).json()
    assert said["name"] == "fjord"
    assert "binary_tensor_data" in said["extensions"]
    assert (await client.get("/v2/health/live")).status_code == 200
    assert (await client.get("/v2/health/ready")).status_code == 200


async def test_a_model_tells_of_itself(client: httpx.AsyncClient) -> None:
    said = (await client.get("/v2/models/double")).json()
    assert said == (await client.get("/v2/models/double/versions/1")).json()
    assert said["versions"] == ["1"]
    assert said["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    config = (await client.get("/v2/models/double/config")).json()
    assert config["input"] == [{"name": "x", "data_type": "TYPE_FP32", "dims": [-1, 3]}]
    index = (await client.post("/v2/repository/index")).json()
    assert {each["name"] for each in index} >= {"double", "texts"}


async def test_a_call_is_answered_in_json_with_its_own_id(client: httpx.AsyncClient) -> None:
    answer = await client.post(INFER, json={"id": "mine", **JSON_IN})
    assert answer.headers["content-type"] == "application/json"
    assert LENGTH not in answer.headers
    assert answer.json() == {
        "model_name": "double",
        "model_version": "1",
        "id": "mine",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 3], "data": [2.0, 4.0, 6.0]}],
    }


async def test_the_answer_is_the_same_with_a_lease_and_without(
    client: httpx.AsyncClient, service: Service, reached: Reached
) -> None:
    before = await client.post(INFER, json=JSON_IN)
    await reached("double")
    counted = (await service.client.get("/v1/schedule")).json()["counters"]["runs_finished"]
    after = await client.post(INFER, json=JSON_IN)
    assert after.json() == before.json()
    later = (await service.client.get("/v1/schedule")).json()["counters"]["runs_finished"]
    assert later == counted


async def test_tensors_go_as_bytes_both_ways(client: httpx.AsyncClient, reached: Reached) -> None:
    await reached("double")
    outputs = [{"name": "y", "parameters": {"binary_data": True}}]
    answer = await client.post(
        INFER, **binary({"inputs": [raw_x()], "outputs": outputs}, X.tobytes())
    )
    length = int(answer.headers[LENGTH])
    header = json.loads(answer.content[:length])
    assert header["outputs"][0]["parameters"] == {"binary_data_size": 12}
    found = np.frombuffer(answer.content[length:], np.float32)
    assert found.tolist() == [2.0, 4.0, 6.0]


async def test_nested_and_flat_data_are_the_same(client: httpx.AsyncClient) -> None:
    nested = given("x", [1, 3], "FP32", data=[[1, 2, 3]])
    flat = await client.post(INFER, json=JSON_IN)
    assert (await client.post(INFER, json={"inputs": [nested]})).json() == flat.json()


async def test_bare_nan_and_infinity_are_taken_and_given(client: httpx.AsyncClient) -> None:
    text = json.dumps(
        {"inputs": [given("x", [1, 3], "FP32", data=[float("nan"), float("inf"), 1])]}
    )
    assert "NaN,Infinity" in text.replace(" ", "")
    answer = await client.post(INFER, content=text)
    (output,) = json.loads(answer.text)["outputs"]
    assert str(output["data"]) == "[nan, inf, 2.0]"


async def test_half_precision_goes_as_json_and_as_bytes(
    client: httpx.AsyncClient, reached: Reached
) -> None:
    await reached("halves")
    url = "/v2/models/halves/infer"
    plain = given("in.put", [2], "FP16", data=[1.5, 0.0999755859375])
    answer = (await client.post(url, json={"inputs": [plain]})).json()
    assert answer["outputs"][0]["data"] == [1.5, 0.0999755859375]
    raw = given("in.put", [2], "FP16", parameters={"binary_data_size": 4})
    half = np.array([1.5, -2], np.float16)
    answer = (await client.post(url, **binary({"inputs": [raw]}, half.tobytes()))).json()
    assert answer["outputs"][0]["data"] == [1.5, -2.0]


async def test_texts_go_as_json_and_as_bytes(client: httpx.AsyncClient, reached: Reached) -> None:
    for _ in range(2):  # as a run, then as a call
        await _check_texts(client)
        await reached("texts")


async def _check_texts(client: httpx.AsyncClient) -> None:
    url = "/v2/models/texts/infer"
    plain = given("in.put", [2], "BYTES", data=["grün", ""])
    answer = await client.post(url, json={"inputs": [plain]})
    assert answer.json()["outputs"][0]["data"] == ["grün", ""]
    packed = b"".join(struct.pack("<I", len(each)) + each for each in ("grün".encode(), b"b"))
    raw = given("in.put", [2], "BYTES", parameters={"binary_data_size": len(packed)})
    params = {"binary_data_output": True}
    answer = await client.post(url, **binary({"inputs": [raw], "parameters": params}, packed))
    assert answer.content[int(answer.headers[LENGTH]) :] == packed


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_packed_body_is_unpacked(client: httpx.AsyncClient, coding: str) -> None:
    pack = gzip.compress if coding == "gzip" else zlib.compress
    headers = {"Content-Encoding": coding}
    answer = await client.post(INFER, content=pack(json.dumps(JSON_IN).encode()), headers=headers)
    assert answer.json()["outputs"][0]["data"] == [2.0, 4.0, 6.0]


async def test_statistics_count_what_was_answered(client: httpx.AsyncClient) -> None:
    async def count() -> tuple[int, int]:
        (found,) = (await client.get("/v2/models/double/stats")).json()["model_stats"]
        stats = found["inference_stats"]
        return stats["success"]["count"], stats["fail"]["count"]

    done, failed = await count()
    await client.post(INFER, json=JSON_IN)
    await client.post(INFER, json={"inputs": []})
    assert await count() == (done + 1, failed + 1)
    found = (await client.get("/v2/models/stats")).json()["model_stats"]
    assert "double" in {each["name"] for each in found}


X_IN = JSON_IN["inputs"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"content": b"{"}, "the body must be JSON"),
        ({"content": b""}, "the body must be JSON"),
        ({"json": []}, "the body must be an object"),
        ({"json": {}}, "inputs must be a list of objects; got None"),
        ({"json": {"inputs": []}}, "inputs must have all inputs of the model: x"),
        ({"json": {"inputs": [X_IN, X_IN]}}, "must be given once"),
        ({"json": {"inputs": [{**X_IN, "name": "z"}]}}, "must be an input of the model; got 'z'"),
        ({"json": {"inputs": [{**X_IN, "datatype": "FP64"}]}}, "datatype must be FP32; got 'FP64'"),
        ({"json": {"inputs": [{**X_IN, "shape": [1, 4]}]}}, "shape must be [n, 3]; got [1, 4]"),
        ({"json": {"inputs": [{**X_IN, "shape": [-1, 3]}]}}, "list of up to 32 sizes"),
        ({"json": {"inputs": [{**X_IN, "data": [1, 2]}]}}, "must have 3 elements"),
        ({"json": {"inputs": [{**X_IN, "data": [[1], [2, 3]]}]}}, "regular list of numbers"),
        ({"json": {"inputs": [{**X_IN, "data": ["1", "2", "3"]}]}}, "must hold float32"),
        ({"json": {**JSON_IN, "outputs": [{"name": "q"}]}}, "must be an output of the model"),
        (
            {"json": {**JSON_IN, "parameters": {"timeout": -1}}},
            "parameters.timeout must be a whole",
        ),
        ({"json": {**JSON_IN, "parameters": {"sequence_id": 7}}}, "sequences is not offered"),
        (binary({"inputs": [raw_x()]}), "binary_data_size must be a whole number from 0 to 0"),
        (binary({"inputs": [raw_x(8)]}, X.tobytes()[:8]), "must have 12 bytes"),
        (binary({"inputs": [raw_x()]}, X.tobytes(), b"more"), "got 4 bytes more"),
        ({"json": JSON_IN, "headers": {LENGTH: "9999"}}, "must be from 0 to"),
        ({"json": JSON_IN, "headers": {LENGTH: "-1"}}, "must be from 0 to"),
        ({"content": b"x", "headers": {"Content-Encoding": "br"}}, "content-encoding must be"),
    ],
)
async def test_bad_input_is_told_with_its_law(
    client: httpx.AsyncClient, arguments: dict[str, Any], said: str
) -> None:
    answer = await client.post(INFER, **arguments)
    assert answer.status_code in {400, 415}
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/nope", 404),
        ("GET", "/v2/models/double/versions/2", 404),
        ("GET", "/v2/nowhere", 404),
        ("GET", "/v2/models", 404),
        ("POST", "/v2/models/nope/infer", 404),
        ("GET", "/v2/models/double/infer", 405),
        ("DELETE", "/v2/models/double", 405),
    ],
)
async def test_every_path_tells_errors_as_the_protocol_does(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize(
    ("method", "path", "offered"),
    [("PUT", "/v2", "GET, HEAD"), ("GET", "/v2/models/double/infer", "POST")],
)
async def test_method_that_is_not_offered_is_answered_with_all_that_are(
    client: httpx.AsyncClient, method: str, path: str, offered: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, offered)


@pytest.mark.parametrize(
    ("size", "headers", "most"),
    [
        (500_001, {}, "500000 bytes"),
        (500_002, {LENGTH: "500001"}, "500000 bytes of JSON"),
        (2_000_001, {LENGTH: "2"}, "2000000 bytes"),
    ],
)
async def test_a_body_over_a_limit_is_refused(
    client: httpx.AsyncClient, size: int, headers: dict[str, str], most: str
) -> None:
    answer = await client.post(INFER, content=b"x" * size, headers=headers)
    assert answer.status_code == 413
    assert f"at most {most}" in answer.json()["error"]


async def test_long_json_is_read_too(client: httpx.AsyncClient) -> None:
    count = 20_000
    many = given("x", [count, 3], "FP32", data=[1.25] * (3 * count))
    answer = await client.post(INFER, json={"inputs": [many]})
    (output,) = answer.json()["outputs"]
    assert output["data"] == [2.5] * (3 * count)


async def test_texts_that_are_no_utf_8_are_refused(client: httpx.AsyncClient) -> None:
    packed = struct.pack("<I", 2) + b"\xff\xfe"
    raw = given("in.put", [1], "BYTES", parameters={"binary_data_size": len(packed)})
    answer = await client.post("/v2/models/texts/infer", **binary({"inputs": [raw]}, packed))
    assert answer.status_code == 400
    assert "must hold UTF-8" in answer.json()["error"]
