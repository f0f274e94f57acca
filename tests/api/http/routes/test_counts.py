"""Graphs are counted when a model comes, by a child, and by nobody else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import onnx
import pytest

from api.oracle.counting import cost_path, read
from tests.api.http.routes.conftest import Service, doubling_model

pytestmark = pytest.mark.anyio

RUN = {"inputs": {"x": {"dtype": "float32", "data": [[1, 2, 3], [4, 5, 6]]}}}


@pytest.fixture
def unparsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Notes what this process, which serves and holds the office, parses; children are free to."""
    parsed: list[object] = []
    monkeypatch.setattr(onnx, "load", lambda *given, **_: parsed.append(given))
    yield parsed
    assert parsed == []


async def measured(service: Service, name: str) -> None:
    """Have a model measured, with its operators."""
    asked = await service.client.post(f"/v1/models/{name}/profile", json={"operators": True})
    ended = await service.client.get(f"{asked.headers['location']}?wait_s=20")
    assert ended.json()["state"] == "finished"


async def test_no_graph_is_parsed_in_the_process_of_the_controller(
    service: Service, unparsed: list[object]
) -> None:
    await service.add_doubling("untouched")
    run = await service.client.post("/v1/workloads/untouched/runs?wait_s=20", json=RUN)
    assert run.json()["state"] == "finished"
    await measured(service, "double")
    for operators in ("false", "true"):
        path = f"/v1/models/double/profiles?operators={operators}"
        answer = await service.client.get(path)
        assert answer.json()["profiles"][0]["roofline_us"] > 0
    sized = await service.client.post(
        "/v1/models/double/profile", json={"shapes": {"x": [4, 3]}, "machines": ["one/*"]}
    )
    assert sized.is_success, sized.text
    assert (await service.client.get("/v1/cost-models")).is_success


async def test_counts_are_kept_with_the_model_and_go_with_it(service: Service) -> None:
    content = doubling_model(12.0)
    digest = hashlib.sha256(content).hexdigest()
    folder = service.context.models_dir
    for name in ("counted", "counted-too"):
        await service.add_model(name, content, profile_shapes='{"x": [5, 3]}')
    found = read(folder, digest)
    assert found is not None
    assert found.kept.shapes == {"x": (5, 3)}
    await service.client.delete("/v1/models/counted")
    assert read(folder, digest) is not None
    await service.client.delete("/v1/models/counted-too")
    assert not cost_path(folder, digest).exists()
