"""A model is measured anew when asked, and each of its operators is shown beside its counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.routes.conftest import Service

pytestmark = pytest.mark.anyio

RUN = {"inputs": {"x": {"dtype": "float32", "data": [[1, 2, 3]]}}}


async def profiled(service: Service, name: str, **body: Any) -> dict[str, Any]:
    """Have a model measured; the run that did it."""
    client = service.client
    asked = await client.post(f"/v1/models/{name}/profile", json=body)
    assert asked.status_code == 202, asked.text
    assert asked.headers["location"] == f"/v1/runs/{asked.json()['run']}"
    ended: dict[str, Any] = (await client.get(f"{asked.headers['location']}?wait_s=20")).json()
    return ended


async def test_a_model_is_measured_at_the_shapes_that_were_asked_for(service: Service) -> None:
    await service.add_doubling("anew")
    ended = await profiled(service, "double", shapes={"x": [5, 3]}, machines=["one/*"])
    assert (ended["kind"], ended["state"], ended["band"]) == ("profile", "finished", 3)
    found = (await service.client.get("/v1/models/double/profiles")).json()["profiles"]
    newest = found[0]
    assert newest["profile"]["shapes"] == {"x": [5, 3]}
    assert newest["p50_us"] >= 1
    assert newest["roofline_us"] > 0
    assert newest["profile"]["expected_us"] > 0
    # What the model is always measured with stays what the site shows.
    model = (await service.client.get("/v1/models/double")).json()
    assert all(profile["shapes"] == {"x": [1, 3]} for profile in model["profiles"])


async def test_the_operators_of_a_stage_are_shown_with_what_is_counted_for_them(
    service: Service,
) -> None:
    await service.add_doubling("drilled")
    run = (await service.client.post("/v1/workloads/drilled/runs?wait_s=20", json=RUN)).json()
    await profiled(service, "double", operators=True)
    answer = await service.client.get(f"/v1/runs/{run['run']}/operators?stage=double")
    assert answer.status_code == 200, answer.text
    (profile,) = answer.json()["profiles"]
    (row,) = profile["operators"]
    # One multiplication for each of three numbers; four bytes each come in and go out, and the
    # factor is one more.
    assert (row["op_type"], row["flops"], row["moved_bytes"]) == ("Mul", 3, 28)
    assert row["share"] == 1.0
    assert profile["profile"]["machine"] == "one/cpu0"


async def test_operators_that_were_never_measured_are_asked_for_by_name(service: Service) -> None:
    await service.add_model("bare")
    body = {
        "name": "bare",
        "inputs": {"x": {"dtype": "float32", "shape": ["n", 3]}},
        "stages": [{"name": "only", "model": "bare", "inputs": {"x": "x"}}],
        "outputs": {"y": "only.y"},
    }
    content_differs = await service.client.post("/v1/workloads", json=body)
    assert content_differs.is_success
    run = (await service.client.post("/v1/workloads/bare/runs?wait_s=20", json=RUN)).json()
    path = f"/v1/runs/{run['run']}/operators"
    other = await service.client.get(f"{path}?stage=nothing")
    assert (other.status_code, other.json()["field"]) == (404, "stage")


@pytest.mark.parametrize(
    ("body", "field", "law"),
    [
        ({"machines": ["nowhere"]}, "machines", "must be among one/cpu0"),
        ({"shapes": {"z": [1, 3]}}, "shapes.z", "must be of the inputs x"),
        ({"shapes": {"x": [1, 4]}}, "shapes.x", "must fit [n, 3]"),
        ({"shapes": {"x": [0, 3]}}, "shapes.x[0]", "must be >= 1"),
    ],
)
async def test_what_cannot_be_measured_is_refused(
    service: Service, body: dict[str, Any], field: str, law: str
) -> None:
    await service.add_model("refusing")
    answer = await service.client.post("/v1/models/refusing/profile", json=body)
    assert 400 <= answer.status_code < 500
    assert (answer.json()["field"], law in answer.json()["detail"]) == (field, True), answer.text


async def test_what_was_measured_goes_with_its_model(service: Service) -> None:
    from tests.api.routes.conftest import doubling_model

    content = doubling_model(17.0)
    await service.add_model("leaving", content)
    await profiled(service, "leaving")
    await service.client.delete("/v1/models/leaving")
    await service.add_model("leaving", content)
    ended = await profiled(service, "leaving")
    found = (await service.client.get("/v1/models/leaving/profiles")).json()["profiles"]
    assert all(each["profile"]["at_us"] >= ended["submitted_us"] - 60_000_000 for each in found)
