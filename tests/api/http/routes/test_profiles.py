"""A model is measured anew when asked, and each of its operators is shown beside its counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.http.routes.conftest import Service, doubling_model

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
    # The site goes on showing the shapes that the model is always measured with.
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


async def ran(service: Service, name: str, factor: float) -> str:
    """Run a workload of one stage and one model of its own; the path of the run's operators."""
    await service.add_model(name, doubling_model(factor))
    body = {
        "name": name,
        "inputs": {"x": {"dtype": "float32", "shape": ["n", 3]}},
        "stages": [{"name": "only", "model": name, "inputs": {"x": "x"}}],
        "outputs": {"y": "only.y"},
    }
    assert (await service.client.post("/v1/workloads", json=body)).is_success
    run = (await service.client.post(f"/v1/workloads/{name}/runs?wait_s=20", json=RUN)).json()
    return f"/v1/runs/{run['run']}/operators"


async def operators_of(service: Service, path: str) -> dict[str, Any]:
    """The one profile that speaks for the stage."""
    answer = await service.client.get(f"{path}?stage=only")
    assert answer.status_code == 200, answer.text
    (profile,) = answer.json()["profiles"]
    return dict(profile)


async def test_operators_that_were_never_measured_are_asked_for_by_name(service: Service) -> None:
    path = await ran(service, "bare", 23.0)
    answer = await service.client.get(f"{path}?stage=only")
    assert (answer.status_code, answer.json()["field"]) == (404, "stage")
    assert "fjord profile bare --operators --shape x=1,3" in answer.json()["detail"]
    other = await service.client.get(f"{path}?stage=nothing")
    assert (other.status_code, other.json()["field"]) == (404, "stage")


async def test_operators_at_other_shapes_stand_in_until_those_of_the_run_are_measured(
    service: Service,
) -> None:
    path = await ran(service, "shaped", 29.0)
    await profiled(service, "shaped", operators=True, shapes={"x": [5, 3]})
    stand_in = await operators_of(service, path)
    assert stand_in["profile"]["shapes"] == {"x": [5, 3]}
    asked = "the run had x=1,3: fjord profile shaped --operators --shape x=1,3"
    assert stand_in["note"].endswith(asked)
    await profiled(service, "shaped", operators=True, shapes={"x": [1, 3]})
    await profiled(service, "shaped", operators=True, shapes={"x": [6, 3]})
    exact = await operators_of(service, path)
    assert (exact["profile"]["shapes"], exact["note"]) == ({"x": [1, 3]}, "")


@pytest.mark.parametrize(
    ("factor", "content", "law"),
    [(31.0, None, "file cannot be read here"), (37.0, b"junk", "must be")],
)
async def test_a_graph_that_cannot_be_counted_says_why(
    service: Service, factor: float, content: bytes | None, law: str
) -> None:
    path = await ran(service, f"uncounted{factor:.0f}", factor)
    await profiled(service, f"uncounted{factor:.0f}", operators=True)
    file = service.context.model_path((await operators_of(service, path))["profile"]["digest"])
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    found = await operators_of(service, path)
    assert (found["roofline_us"], found["operators"][0]["flops"]) == (None, None)
    assert found["note"].startswith("not counted: ")
    assert law in found["note"]


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
    content = doubling_model(17.0)
    await service.add_model("leaving", content)
    await profiled(service, "leaving")
    await service.client.delete("/v1/models/leaving")
    await service.add_model("leaving", content)
    ended = await profiled(service, "leaving")
    found = (await service.client.get("/v1/models/leaving/profiles")).json()["profiles"]
    assert all(each["profile"]["at_us"] >= ended["submitted_us"] - 60_000_000 for each in found)
