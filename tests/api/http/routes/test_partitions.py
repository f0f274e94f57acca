"""Partitions over HTTP: asked for, listed, run, and deleted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.api.http.routes.conftest import Service
from tests.onnx_models import mlp

pytestmark = pytest.mark.anyio

MODEL = mlp(layers=4, width=16).SerializeToString()
X = np.linspace(-1, 1, 64, dtype=np.float32).reshape(4, 16)
INPUTS = {"x": {"dtype": "float32", "data": X.tolist()}}


@pytest.fixture(scope="module")
async def partition(service: Service) -> dict[str, Any]:
    """A partition of ``layers`` into two pieces, at its second layer."""
    await service.add_model("layers", MODEL)
    answer = await service.client.post(
        "/v1/models/layers/partitions", json={"cuts": [["r1"]]}, timeout=60
    )
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def workload(name: str, **stage: Any) -> dict[str, Any]:
    return {
        "name": name,
        "inputs": {"x": {"dtype": "float32", "shape": [4, 16]}},
        "stages": [{"name": "go", "model": "layers", "inputs": {"x": "x"}, **stage}],
        "outputs": {"y": "go.y"},
    }


async def run_of(service: Service, body: dict[str, Any]) -> dict[str, Any]:
    made = await service.client.post("/v1/workloads", json=body)
    assert made.is_success, made.text
    url = f"/v1/workloads/{body['name']}/runs?wait_s=30"
    answer = await service.client.post(url, json={"inputs": INPUTS}, timeout=60)
    assert answer.json()["state"] == "finished", answer.text
    return dict(answer.json())


async def test_a_partition_comes_with_its_proof_and_its_pieces(
    service: Service, partition: dict[str, Any]
) -> None:
    assert (partition["is_bitwise"], partition["inputs_tried"]) == (True, 3)
    assert [piece["crossing_bytes"] for piece in partition["pieces"]] == [4 * 16 * 4, 0]
    listed = (await service.client.get("/v1/models/layers/partitions")).json()
    assert [each["id"] for each in listed["partitions"]] == [partition["id"]]


async def test_the_same_cut_again_is_the_same_partition(
    service: Service, partition: dict[str, Any]
) -> None:
    again = await service.client.post(
        "/v1/models/layers/partitions", json={"cuts": partition["cuts"]}, timeout=60
    )
    assert (again.status_code, again.json()["id"]) == (200, partition["id"])


async def test_pieces_are_not_listed_among_the_models(
    service: Service, partition: dict[str, Any]
) -> None:
    listed = (await service.client.get("/v1/models")).json()["models"]
    assert not {piece["model"] for piece in partition["pieces"]} & {m["name"] for m in listed}


@pytest.mark.parametrize("way", ["partition", "pieces"])
async def test_a_stage_in_pieces_gives_what_the_whole_gives_by_an_operation_for_each(
    service: Service, partition: dict[str, Any], way: str
) -> None:
    whole = await run_of(service, workload("in-one"))
    stage: dict[str, Any] = {"partition": partition["id"]} if way == "partition" else {"pieces": 2}
    run = await run_of(service, workload(f"by-{way}", **stage))
    assert run["results"] == whole["results"]
    record = (await service.client.get(f"/v1/runs/{run['run']}")).json()
    assert {op["stage"] for op in record["operations"]} == {"go#1of2", "go#2of2"}
    explained = await service.client.get(f"/v1/runs/{run['run']}/explain")
    assert len(explained.json()["operations"]) == 2


async def test_a_stage_in_pieces_runs_once_per_item_of_a_list(
    service: Service, partition: dict[str, Any]
) -> None:
    body = workload("each", partition=partition["id"], for_each="x")
    body["inputs"]["x"]["is_list"] = True
    made = await service.client.post("/v1/workloads", json=body)
    assert made.is_success, made.text
    items = [INPUTS["x"], INPUTS["x"], INPUTS["x"]]
    url = "/v1/workloads/each/runs?wait_s=30"
    answer = (await service.client.post(url, json={"inputs": {"x": items}}, timeout=60)).json()
    assert answer["state"] == "finished", answer
    assert len(answer["results"]["y"]) == 3
    assert answer["results"]["y"][0] == answer["results"]["y"][2]


@pytest.mark.parametrize(
    ("stage", "detail"),
    [
        ({"partition": "p-0"}, "stages[0].partition must be of a partition of model 'layers'"),
        ({"pieces": 5}, "stages[0].pieces must be of a partition of model 'layers'; got 5 ("),
        ({"pieces": 2, "partition": "p-0"}, "either partition or pieces, to run in pieces"),
    ],
)
async def test_a_stage_of_a_partition_that_is_not_there_is_refused(
    service: Service, partition: dict[str, Any], stage: dict[str, Any], detail: str
) -> None:
    answer = await service.client.post("/v1/workloads", json=workload("none", **stage))
    assert (answer.status_code, detail in answer.json()["detail"]) == (422, True), answer.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"pieces": 2, "cuts": [["r1"]]}, "body"),
        ({"cuts": [["nowhere"]]}, "cuts[0]"),
        ({"pieces": 7}, "pieces"),
        ({"preemptible_within_ms": 1e-3}, "preemptible_within_ms"),
    ],
)
async def test_a_cut_that_cannot_be_is_refused_with_its_field(
    service: Service, partition: dict[str, Any], body: dict[str, Any], field: str
) -> None:
    answer = await service.client.post("/v1/models/layers/partitions", json=body, timeout=60)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text


async def test_a_model_goes_with_its_pieces_once_no_workload_runs_in_them(
    service: Service,
) -> None:
    await service.add_model("passing", mlp(layers=2, width=8).SerializeToString())
    url = "/v1/models/passing/partitions"
    made = (await service.client.post(url, json={"cuts": [["r0"]]}, timeout=60)).json()
    body = workload("user", partition=made["id"])
    body["stages"][0]["model"], body["inputs"]["x"]["shape"] = "passing", [4, 8]
    assert (await service.client.post("/v1/workloads", json=body)).is_success
    for refused in ("/v1/models/passing", f"{url}/{made['id']}"):
        answer = await service.client.delete(refused)
        assert (answer.status_code, "user@1 uses it" in answer.text) == (409, True)
    await service.client.delete("/v1/workloads/user")
    assert (await service.client.delete(f"{url}/{made['id']}")).status_code == 204
    assert (await service.client.get(url)).json()["partitions"] == []
    await service.client.post(url, json={"cuts": [["r0"]]}, timeout=60)
    assert (await service.client.delete("/v1/models/passing")).status_code == 204
    names = {record.name for record in await service.context.store.all_models()}
    assert not any(name.startswith("passing") for name in names)
    for piece in made["pieces"]:
        assert not service.context.model_path(piece["digest"]).exists()
