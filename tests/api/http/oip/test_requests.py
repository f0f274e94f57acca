"""Bodies of requests, whole and damaged, without a service."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import numpy as np
import pytest

from api.http.oip.requests import InferRequest, read_request
from api.store.catalogue import TensorInfo
from scheduler.model.errors import InvalidInput
from scheduler.model.problem import Band

INPUTS = (
    TensorInfo(name="x", dtype="float32", shape=("n", 2)),
    TensorInfo(name="t", dtype="string", shape=(-1,)),
    TensorInfo(name="k", dtype="int8", shape=(2,)),
)
ROUNDS = 20_000


def body() -> tuple[bytes, int]:
    """A whole request: one input as bytes, one as texts behind it, one as JSON."""
    x, text = np.ones((1, 2), np.float32).tobytes(), b"\x02\x00\x00\x00ab"
    header = {
        "id": "7",
        "parameters": {"priority": 2, "timeout": 1_000},
        "inputs": [
            {"name": "x", "shape": [1, 2], "datatype": "FP32", "parameters": sized(x)},
            {"name": "k", "shape": [2], "datatype": "INT8", "data": [1, -128]},
            {"name": "t", "shape": [1], "datatype": "BYTES", "parameters": sized(text)},
        ],
        "outputs": [{"name": "y", "parameters": {"binary_data": True}}],
    }
    written = json.dumps(header).encode()
    return written + x + text, len(written)


def sized(data: bytes) -> dict[str, int]:
    return {"binary_data_size": len(data)}


def read(data: bytes, length: int) -> InferRequest:
    return read_request(data, str(length), INPUTS, ["y", "z"], most_json=10_000)


def test_a_request_is_read_in_the_order_of_the_model() -> None:
    found = read(*body())
    assert [each.head.name for each in found.inputs] == ["x", "t", "k"]
    assert found.inputs[0].array().tolist() == [[1.0, 1.0]]
    assert found.inputs[1].array().tolist() == ["ab"]
    assert found.inputs[2].array().tolist() == [1, -128]
    assert (found.id, found.outputs) == ("7", {"y": True})
    assert (found.band, found.timeout_us) == (Band.HIGH, 1_000)


def test_a_damaged_request_is_refused_or_read_and_nothing_else() -> None:
    """Bytes changed, cut, doubled; lengths that lie: never another error than ours."""
    random = Random(7)
    whole, length = body()
    refused = 0
    for _ in range(ROUNDS):
        damaged = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            place = random.randrange(len(damaged))
            piece = damaged[place : place + random.randint(0, 40)]
            change = random.choice((b"", bytes([random.randrange(256)]), piece * 2, b"9" * 5))
            damaged[place : place + random.randint(0, 3)] = change
        said = length + random.choice((0, 0, 0, -1, 1, random.randint(-400, 400)))
        try:
            read(bytes(damaged), said)
        except InvalidInput:
            refused += 1
    assert refused > ROUNDS // 2


@pytest.mark.parametrize(
    ("datatype", "dtype", "data"),
    [
        ("INT8", "int8", [128]),
        ("UINT8", "uint8", [-1]),
        ("INT32", "int32", [1.5]),
        ("BOOL", "bool", [2]),
        ("FP32", "float32", [None]),
        ("FP32", "float32", [True]),
        ("UINT64", "uint64", [2**64]),
        ("BYTES", "string", [1]),
    ],
)
def test_numbers_that_do_not_fit_their_type_are_refused(
    datatype: str, dtype: str, data: list[Any]
) -> None:
    given = {"name": "x", "shape": [1], "datatype": datatype, "data": data}
    text = json.dumps({"inputs": [given]}).encode()
    info = TensorInfo(name="x", dtype=dtype, shape=(1,))
    with pytest.raises(InvalidInput, match=r"inputs\[0\]\.data must"):
        read_request(text, None, [info], ["y"], most_json=10_000)
