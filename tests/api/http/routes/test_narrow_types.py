from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper

from fjord.narrow import BITS, labelled, unlabelled
from tests.api.http.routes.conftest import Service, npy

pytestmark = pytest.mark.anyio

KINDS = {
    "bfloat16": TensorProto.BFLOAT16,
    "float8_e4m3fn": TensorProto.FLOAT8E4M3FN,
    "float8_e4m3fnuz": TensorProto.FLOAT8E4M3FNUZ,
    "float8_e5m2": TensorProto.FLOAT8E5M2,
    "float8_e5m2fnuz": TensorProto.FLOAT8E5M2FNUZ,
    "int4": TensorProto.INT4,
    "uint4": TensorProto.UINT4,
}


def doubling(kind: int) -> bytes:
    """A model that doubles in float32 what comes and goes in another type."""
    nodes = [
        helper.make_node("Cast", ["x"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["wide", "wide"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["y"], to=kind),
    ]
    graph = helper.make_graph(
        nodes,
        "narrow",
        [helper.make_tensor_value_info("x", kind, ["n"])],
        [helper.make_tensor_value_info("y", kind, ["n"])],
    )
    opsets = [helper.make_opsetid("", 21)]
    content: bytes = helper.make_model(
        graph, opset_imports=opsets, ir_version=10
    ).SerializeToString()
    return content


async def _workload(service: Service, dtype: str) -> None:
    added = await service.add_model(dtype, doubling(KINDS[dtype]), profile_shapes='{"x": [5]}')
    assert added.is_success, added.text
    body = {
        "name": f"doubles-{dtype}",
        "inputs": {"x": {"dtype": dtype, "shape": ["n"]}},
        "stages": [{"name": "double", "model": dtype, "inputs": {"x": "x"}}],
        "outputs": {"y": "double.y"},
    }
    made = await service.client.post("/v1/workloads", json=body)
    assert made.is_success, made.text


async def _finished(service: Service, started: Any) -> str:
    assert started.is_success, started.text
    run = started.json()["run"]
    ended = (await service.client.get(f"/v1/runs/{run}?wait_s=20")).json()
    assert ended["state"] == "finished", ended
    return f"/v1/runs/{run}/outputs/y"


@pytest.mark.parametrize("dtype", list(BITS))
async def test_a_type_that_numpy_lacks_goes_in_and_out_as_a_file_and_as_json(
    service: Service, dtype: str
) -> None:
    await _workload(service, dtype)
    value = np.array([0, 1, 2, 3, 1]).astype(dtype)
    started = await service.client.post(
        f"/v1/workloads/doubles-{dtype}/runs",
        content=npy(labelled(value)),
        headers={"content-type": "application/x-npy"},
    )
    answer = await service.client.get(await _finished(service, started))
    result = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert result.dtype.names == (dtype,)
    assert unlabelled(result).tolist() == [0, 2, 4, 6, 2]
    given = {"x": {"dtype": dtype, "data": [3, 0, 1]}}
    path = f"/v1/workloads/doubles-{dtype}/runs?wait_s=20"
    answer = await service.client.post(path, json={"inputs": given})
    expected = {"dtype": dtype, "shape": [3], "data": [6, 0, 2]}
    assert answer.json()["results"]["y"] == expected


@pytest.mark.parametrize(
    ("dtype", "data"), [("int4", 8), ("uint4", -1), ("float8_e4m3fn", 500), ("bfloat16", 3.4e38)]
)
async def test_a_number_beyond_a_type_is_refused_with_the_field(
    service: Service, dtype: str, data: float
) -> None:
    await _workload(service, dtype)
    given = {"x": {"dtype": dtype, "data": [data]}}
    answer = await service.client.post(
        f"/v1/workloads/doubles-{dtype}/runs", json={"inputs": given}
    )
    assert answer.status_code == 422
    assert "inputs.x.data must hold values" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "law"),
    [
        (np.array([1.5], ml_dtypes.bfloat16), "as one field of that name over the bits"),
        (np.array([(99,)], [("int4", "i1")]), "must hold values from -8 to 7"),
    ],
)
async def test_a_file_that_does_not_say_its_type_or_breaks_it_is_refused(
    service: Service, content: Any, law: str
) -> None:
    await _workload(service, "bfloat16")
    answer = await service.client.post(
        "/v1/workloads/doubles-bfloat16/runs",
        content=npy(content),
        headers={"content-type": "application/x-npy"},
    )
    assert answer.status_code == 422
    assert law in answer.json()["detail"]


async def test_the_open_inference_protocol_takes_bf16(service: Service, tmp_path: Path) -> None:
    await _workload(service, "bfloat16")
    tensor = {"name": "x", "shape": [2], "datatype": "BF16", "data": [1.5, -2]}
    answer = await service.client.post("/v2/models/bfloat16/infer", json={"inputs": [tensor]})
    assert answer.is_success, answer.text
    (output,) = answer.json()["outputs"]
    assert (output["datatype"], output["data"]) == ("BF16", [3.0, -4.0])
