"""Texts as inputs and outputs of runs: none is cut, or blown up, on any way."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from onnx import TensorProto, helper

from api.http.body.submission import LARGE_JSON_BYTES
from tests.api.http.routes.conftest import Service

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def echo(service: Service) -> str:
    """Address of the runs of a workload that gives back the texts that it gets."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "echo",
        [helper.make_tensor_value_info("x", TensorProto.STRING, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.STRING, ["n"])],
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    await service.add_model("echo", model.SerializeToString())
    body = {
        "name": "echo",
        "inputs": {"x": {"dtype": "string", "shape": [-1]}},
        "stages": [{"name": "a", "model": "echo", "inputs": {"x": "x"}}],
        "outputs": {"y": "a.y"},
    }
    assert (await service.client.post("/v1/workloads", json=body)).is_success
    return "/v1/workloads/echo/runs"


def _field(text: str) -> dict[str, Any]:
    return {"x": (None, text, "application/json")}


async def test_texts_that_fit_no_npy_come_back_as_json(
    client: httpx.AsyncClient, echo: str
) -> None:
    texts = ["x" * 20_000, "", "longer"] + ["s"] * 200
    run = {"inputs": {"x": {"dtype": "string", "data": texts}}}
    said = (await client.post(f"{echo}?wait_s=20", json=run)).json()
    assert said["state"] == "finished", said
    answer = await client.get(f"/v1/runs/{said['run']}/outputs/y")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["data"] == texts


async def test_texts_in_a_field_of_a_form_come_back_as_they_went(
    client: httpx.AsyncClient, echo: str
) -> None:
    for texts in (["ends in NUL\0", ""], ["x" * LARGE_JSON_BYTES, "s\0"]):
        field = json.dumps({"dtype": "string", "data": texts})
        said = await client.post(f"{echo}?wait_s=20", files=_field(field))
        assert said.json()["state"] == "finished", said.text
        answer = await client.get(f"/v1/runs/{said.json()['run']}/outputs/y")
        assert answer.json()["data"] == texts


@pytest.mark.parametrize(
    ("field", "law"),
    [
        ("[", "the body must be JSON"),
        ('{"dtype":"string","data":[1]}', "inputs.x.data must hold texts; got"),
        (
            '{"dtype":"string","data":["a"]},"z":{"dtype":"int8","data":[1]}',
            "inputs.x must be a tensor in JSON",
        ),
    ],
)
async def test_field_of_a_form_that_is_no_tensor_is_refused(
    client: httpx.AsyncClient, echo: str, field: str, law: str
) -> None:
    answer = await client.post(echo, files=_field(field))
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(law)
