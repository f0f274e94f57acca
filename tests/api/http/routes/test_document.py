"""The OpenAPI document is true: every operation is called, every answer held against it."""

from __future__ import annotations

from typing import Any

import jsonschema
import numpy as np
import pytest

from tests.api.http.routes.conftest import Service, npy
from tests.onnx_models import mlp

pytestmark = pytest.mark.anyio

RUN = {"inputs": {"x": {"dtype": "float32", "data": [[1, 2, 3]]}}}
STAGE = {"name": "double", "model": "double", "inputs": {"x": "x"}}
OTHER = {
    "name": "other",
    "inputs": {"x": {"dtype": "float32", "shape": [-1, 3]}},
    "stages": [STAGE],
    "outputs": {"z": "double.y"},
}


def _calls(run: str, digest: str, key: str) -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """Calls of each declared operation, in an order in which all succeed."""
    return {
        ("GET", "/v1/models"): ("/v1/models", {}),
        ("POST", "/v1/models"): ("/v1/models", {}),
        ("GET", "/v1/models/{name}"): ("/v1/models/double", {}),
        ("POST", "/v1/models/{name}/profile"): (
            "/v1/models/double/profile",
            {"json": {"operators": True}},
        ),
        ("GET", "/v1/models/{name}/profiles"): ("/v1/models/double/profiles?operators=true", {}),
        ("GET", "/v1/models/by-digest/{digest}/file"): (f"/v1/models/by-digest/{digest}/file", {}),
        ("DELETE", "/v1/models/{name}"): ("/v1/models/spare", {}),
        ("POST", "/v1/workloads"): ("/v1/workloads", {"json": OTHER}),
        ("GET", "/v1/workloads"): ("/v1/workloads", {}),
        ("GET", "/v1/workloads/{name}"): ("/v1/workloads/other", {}),
        ("POST", "/v1/workloads/{name}/plan"): ("/v1/workloads/other/plan", {"json": RUN}),
        ("POST", "/v1/workloads/{name}/runs"): (
            "/v1/workloads/other/runs?wait_s=20",
            {"json": RUN},
        ),
        ("DELETE", "/v1/workloads/{name}"): ("/v1/workloads/other", {}),
        ("GET", "/v1/runs"): ("/v1/runs", {}),
        ("GET", "/v1/runs/{run}"): (f"/v1/runs/{run}", {}),
        ("GET", "/v1/runs/{run}/explain"): (f"/v1/runs/{run}/explain", {}),
        ("GET", "/v1/runs/{run}/story"): (f"/v1/runs/{run}/story", {}),
        ("GET", "/v1/runs/{run}/operators"): (f"/v1/runs/{run}/operators?stage=double", {}),
        ("GET", "/v1/runs/{run}/trace"): (f"/v1/runs/{run}/trace", {}),
        ("GET", "/v1/runs/{run}/outputs/{output}"): (f"/v1/runs/{run}/outputs/y", {}),
        ("DELETE", "/v1/runs/{run}"): (f"/v1/runs/{run}", {}),
        ("GET", "/v1/history/misses"): ("/v1/history/misses?since=2h", {}),
        ("GET", "/v1/history/plans"): ("/v1/history/plans", {}),
        ("GET", "/v1/schedule"): ("/v1/schedule", {}),
        ("GET", "/v1/devices"): ("/v1/devices", {}),
        ("GET", "/v1/policy"): ("/v1/policy", {}),
        ("GET", "/v1/set-aside"): ("/v1/set-aside", {}),
        ("GET", "/v1/cost-models"): ("/v1/cost-models", {}),
        ("GET", "/v1/cost-models/accuracy"): ("/v1/cost-models/accuracy", {}),
        ("GET", "/v1/cost-models/predictions"): ("/v1/cost-models/predictions?work=double", {}),
        ("PUT", "/v1/policy"): ("/v1/policy", {"json": {"placement": "heft"}}),
        ("POST", "/v1/agents"): ("/v1/agents", {"json": {"agent": "a", "box": "b"}}),
        ("GET", "/v1/tensors/{key}"): (f"/v1/tensors/{key}", {}),
        ("GET", "/healthz"): ("/healthz", {}),
        ("GET", "/readyz"): ("/readyz", {}),
        ("GET", "/metrics"): ("/metrics", {}),
        ("DELETE", "/v1/session"): ("/v1/session", {}),
    }


# An endless answer, and one that an open service cannot give; both have tests of their own.
ELSEWHERE = {("GET", "/v1/events"), ("POST", "/v1/session")}


async def test_every_operation_answers_as_the_document_says(service: Service) -> None:
    await service.add_doubling("plain")
    await service.add_model("spare")
    await service.add_model("cut", mlp(layers=2, width=8).SerializeToString())
    client, document = service.client, service.document.document
    first = await client.post("/v1/workloads/plain/runs?wait_s=20", json=RUN)
    asked = await client.post("/v1/models/double/profile", json={"operators": True})
    await client.get(f"/v1/runs/{asked.json()['run']}?wait_s=20")
    digest = (await client.get("/v1/models/double")).json()["digest"]
    value = service.context.services.tensors.put("r-t", "x", np.zeros(5_000))
    calls = _calls(first.json()["run"], digest, value.tensors[0].key)
    calls["POST", "/v1/models"] = (
        "/v1/models",
        {"data": {"name": "spare"}, "files": {"file": ("m", npy(np.zeros(1)))}},
    )
    partitions = "/v1/models/{name}/partitions"
    made = await client.post("/v1/models/cut/partitions", json={"cuts": [["r0"]]})
    calls["POST", partitions] = ("/v1/models/cut/partitions", {"json": {"cuts": [["r0"]]}})
    calls["GET", partitions] = ("/v1/models/cut/partitions", {})
    calls["DELETE", partitions + "/{partition}"] = (
        f"/v1/models/cut/partitions/{made.json()['id']}",
        {},
    )
    declared = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert declared == calls.keys() | ELSEWHERE
    for (method, path), (url, arguments) in calls.items():
        answer = await client.request(method, url, **arguments)
        assert service.document.path_of(answer.request.url.path) == path
        refused = (method, path) == ("POST", "/v1/models")
        assert answer.is_success is not refused, (method, path, answer.text)


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in _references(item)]
    if isinstance(value, list):
        return [ref for item in value for ref in _references(item)]
    return []


async def test_the_document_has_all_that_it_refers_to(service: Service) -> None:
    document = service.document.document
    schemas = document["components"]["schemas"]
    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


async def test_every_operation_says_who_may_call_it_and_how_it_refuses(service: Service) -> None:
    public = {"/healthz", "/readyz", "/v1/session"}
    for path, item in service.document.document["paths"].items():
        for operation in item.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert ("x-fjord-scope" in operation) is (path not in public)
            assert "422" not in operation["responses"]
            assert operation["summary"]
