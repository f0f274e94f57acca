from __future__ import annotations

from typing import Any

import pytest
from onnx import TensorProto, helper

from tests.api.http.routes.conftest import Service

pytestmark = pytest.mark.anyio


def _body(name: str, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": name,
        "inputs": {"scores": {"dtype": "float32", "shape": [1, -1]}},
        "stages": [{"name": "best", "function": "arg_max", "inputs": {"scores": "scores"}}],
        "outputs": {"best": "best.indices"},
    }
    return body | fields


async def test_versions_count_from_one_and_the_same_content_is_the_same_version(
    service: Service,
) -> None:
    client = service.client
    first = await client.post("/v1/workloads", json=_body("w"))
    assert (first.status_code, first.json()["version"]) == (201, 1)
    stage = {"name": "best", "function": "arg_max", "inputs": {"scores": "scores"}, "params": {}}
    again = await client.post("/v1/workloads", json=_body("w", stages=[stage]))
    assert (again.status_code, again.json()["version"]) == (200, 1)
    changed = await client.post("/v1/workloads", json=_body("w", outputs={"v": "best.scores"}))
    assert (changed.status_code, changed.json()["version"]) == (201, 2)
    assert changed.headers["location"] == "/v1/workloads/w?version=2"
    assert (await client.get("/v1/workloads/w")).json()["version"] == 2
    assert (await client.get("/v1/workloads/w?version=1")).json() == first.json()
    keys = [
        (w["name"], w["version"]) for w in (await client.get("/v1/workloads")).json()["workloads"]
    ]
    assert keys == [("w", 1), ("w", 2)]


async def test_a_deleted_workload_starts_no_run_any_more(service: Service) -> None:
    client = service.client
    for outputs in ({"a": "best.indices"}, {"b": "best.indices"}):
        await client.post("/v1/workloads", json=_body("gone", outputs=outputs))
    run = {"inputs": {"scores": {"dtype": "float32", "data": [[1, 2]]}}}
    assert (await client.post("/v1/workloads/gone/runs", json=run)).status_code == 202
    assert (await client.delete("/v1/workloads/gone?version=2")).status_code == 204
    old = await client.post("/v1/workloads/gone/runs?wait_s=20", json=run)
    assert (old.json()["workload"], old.json()["state"]) == ("gone@1", "finished")
    assert (await client.delete("/v1/workloads/gone")).status_code == 204
    for url in ("/v1/workloads/gone/runs", "/v1/workloads/gone/plan"):
        answer = await client.post(url, json=run)
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is no workload 'gone'")
    assert (await client.get("/v1/workloads/gone")).status_code == 404
    assert (await client.delete("/v1/workloads/gone")).status_code == 404


async def test_workload_of_a_model_that_no_machine_can_run_warns_and_its_run_fails_at_once(
    service: Service,
) -> None:
    await service.add_model("unfit", _fixed_reshape())
    for _ in range(1000):
        for run in (await service.client.get("/v1/runs?kind=profile&limit=1")).json()["runs"]:
            await service.client.get(f"/v1/runs/{run['run']}?wait_s=20")
        if (await service.client.get("/v1/models/unfit")).json()["profiles"]:
            break
    body = {
        "name": "of-unfit",
        "inputs": {"x": {"dtype": "float32", "shape": [-1]}},
        "stages": [{"name": "only", "model": "unfit", "inputs": {"x": "x"}}],
        "outputs": {"y": "only.y"},
    }
    made = await service.client.post("/v1/workloads", json=body)
    (warning,) = made.json()["warnings"]
    assert warning.startswith("stage 'only': no machine can run model 'unfit': ")
    run = {"inputs": {"x": {"dtype": "float32", "data": [1, 2]}}}
    ended = (await service.client.post("/v1/workloads/of-unfit/runs?wait_s=20", json=run)).json()
    assert (ended["state"], ended["reason"]) == ("failed", "unplaceable")
    assert ended["detail"].startswith("no machine can run unfit: ")


def _fixed_reshape() -> bytes:
    """A model that takes any vector by its file, and fails on all but those of 7."""
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "shape"], ["y"])],
        "fixed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [7])],
        [helper.make_tensor("shape", TensorProto.INT64, [1], [7])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content
