from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest
from onnx import TensorProto, helper

from tests.api.http.routes.conftest import Service, doubling_model

pytestmark = pytest.mark.anyio


async def test_a_model_is_kept_under_its_digest_and_described(service: Service) -> None:
    content = doubling_model(3.0)
    answer = await service.add_model("triple", content)
    assert (answer.status_code, answer.headers["location"]) == (201, "/v1/models/triple")
    digest = hashlib.sha256(content).hexdigest()
    said = answer.json()
    assert (said["digest"], said["size_bytes"]) == (digest, len(content))
    assert said["inputs"] == [
        {"name": "x", "dtype": "float32", "shape": ["n", 3], "is_list": False}
    ]
    assert said["profile_shapes"] == {"x": [1, 3]}
    assert service.context.model_path(digest).read_bytes() == content
    fetched = await service.client.get(f"/v1/models/by-digest/{digest}/file")
    assert fetched.content == content
    listed = (await service.client.get("/v1/models")).json()["models"]
    assert "triple" in [model["name"] for model in listed]


async def test_the_same_upload_again_changes_nothing_and_another_is_refused(
    service: Service,
) -> None:
    first = (await service.add_model("again", doubling_model(4.0))).json()
    second = await service.add_model("again", doubling_model(4.0))
    assert (second.status_code, second.json()["created_us"]) == (200, first["created_us"])
    other = await service.add_model("again", doubling_model(5.0))
    assert (other.status_code, other.json()["field"]) == (409, "name")


async def test_the_same_file_with_another_setup_is_measured_anew(service: Service) -> None:
    first = (await service.add_model("resized", doubling_model(4.5))).json()
    assert first["assumed"] == [{"input": "x", "axis": 0, "size": 1, "symbol": "n"}]
    assert first["notes"] == [
        "the file leaves sizes open; taken were x[0] (n) = 1: "
        "give the sizes that you use, such as --shape x=1,3"
    ]
    shapes = json.dumps({"x": [9, 3]})
    again = await service.add_model("resized", doubling_model(4.5), profile_shapes=shapes)
    assert (again.status_code, again.json()["profile_shapes"]) == (200, {"x": [9, 3]})
    assert (again.json()["assumed"], again.json()["notes"]) == ([], [])
    model = await _until_measured(service, "resized")
    assert [profile["shapes"] for profile in model["profiles"]] == [{"x": [9, 3]}]


async def test_an_example_fixes_the_shape_and_the_value_of_its_input(service: Service) -> None:
    answer = await service.add_model(
        "exemplified", doubling_model(4.6), profile_inputs='{"x": [[1, 2, 3], [4, 5, 6]]}'
    )
    said = answer.json()
    assert said["profile_shapes"] == {"x": [2, 3]}
    assert said["profile_inputs"]["x"] == {
        "dtype": "float32",
        "shape": [2, 3],
        "data": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
    }
    assert (await _until_measured(service, "exemplified"))["profiles"][0]["verdict"] == "usable"


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"z": 1}, "profile_inputs must be of the inputs x; got 'z'"),
        ({"x": "a"}, "profile_inputs.x.data must hold float32 values; got"),
        ({"x": [[1, 2]]}, "profile_inputs.x must fit [n, 3]"),
    ],
)
async def test_an_example_that_does_not_fit_is_refused(
    service: Service, given: dict[str, Any], detail: str
) -> None:
    answer = await service.add_model("unfit", doubling_model(4.7), profile_inputs=json.dumps(given))
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]


async def _until_measured(service: Service, name: str) -> dict[str, Any]:
    for _ in range(1000):
        (run, *_rest) = (await service.client.get("/v1/runs?kind=profile&limit=1")).json()["runs"]
        await service.client.get(f"/v1/runs/{run['run']}?wait_s=20")
        model: dict[str, Any] = (await service.client.get(f"/v1/models/{name}")).json()
        if model["profiles"]:
            break
    return model


@pytest.mark.parametrize("kind", [TensorProto.FLOAT8E8M0])
async def test_a_model_of_a_type_that_nobody_carries_is_refused_by_name(
    service: Service, kind: int
) -> None:
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["z"], to=TensorProto.FLOAT)],
        "narrow",
        [helper.make_tensor_value_info("x", kind, [4])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [4])],
    )
    opsets = [helper.make_opsetid("", 24)]
    content = helper.make_model(graph, opset_imports=opsets, ir_version=12).SerializeToString()
    answer = await service.add_model("narrow", content)
    assert answer.status_code == 422
    law = "'x' must have an element type that is carried here (bfloat16, bool, "
    assert law in answer.json()["detail"]
    assert (await service.client.get("/v1/models/narrow")).status_code == 404


async def test_a_model_says_what_was_measured_of_it(service: Service) -> None:
    await service.add_model("measured", doubling_model(6.0), profile_shapes='{"x": [7, 3]}')
    model = await _until_measured(service, "measured")
    assert model["profiles"][0]["verdict"] == "usable"
    assert model["profiles"][0]["shapes"] == {"x": [7, 3]}


async def test_two_names_share_a_file_until_both_are_gone(service: Service) -> None:
    content = doubling_model(8.0)
    path = service.context.model_path(hashlib.sha256(content).hexdigest())
    for name in ("left", "right"):
        assert (await service.add_model(name, content)).status_code == 201
    assert (await service.client.delete("/v1/models/left")).status_code == 204
    assert path.exists()
    assert (await service.client.delete("/v1/models/right")).status_code == 204
    assert not path.exists()
    assert (await service.client.get("/v1/models/right")).status_code == 404


async def test_a_model_in_use_stays(service: Service) -> None:
    await service.add_doubling("uses-double")
    answer = await service.client.delete("/v1/models/double")
    assert answer.status_code == 409
    assert "uses-double@1 uses it" in answer.json()["detail"]


async def test_the_fields_of_an_upload_may_come_in_any_order(service: Service) -> None:
    files: dict[str, Any] = {
        "file": ("m.onnx", doubling_model(9.0)),
        "name": (None, "ordered"),
    }
    assert (await service.client.post("/v1/models", files=files)).status_code == 201


@pytest.mark.parametrize(
    ("form", "field", "law"),
    [
        ({"name": "../up"}, "name", "must match"),
        ({}, "name", "must be given"),
        ({"name": "m", "profile_shapes": "{"}, "profile_shapes", "must be JSON"),
        ({"name": "m", "profile_shapes": '{"x": [0, 3]}'}, "profile_shapes.x[0]", "must be >= 1"),
        ({"name": "m", "profile_shapes": '{"z": [1]}'}, "profile_shapes.z", "inputs x"),
        ({"name": "m", "profile_shapes": '{"x": [1, 4]}'}, "profile_shapes.x", "must fit [n, 3]"),
        ({"name": "m", "nmae": "n"}, "nmae", "the form must have the fields"),
    ],
)
async def test_a_wrong_form_is_refused_and_leaves_nothing(
    service: Service, form: dict[str, str], field: str, law: str
) -> None:
    files = {"file": ("m.onnx", doubling_model(10.0))}
    answer = await service.client.post("/v1/models", data=form, files=files)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert law in answer.json()["detail"]
    assert list(service.context.models_dir.glob("*.part")) == []
    assert (await service.client.get("/v1/models/m")).status_code == 404


async def test_an_upload_that_breaks_off_leaves_nothing(service: Service) -> None:
    async def broken() -> object:
        yield b'--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        yield b"x" * 1000
        raise httpx.ReadError("gone")

    with pytest.raises(httpx.HTTPError):
        await service.client.post(
            "/v1/models",
            content=broken(),  # type: ignore[arg-type]
            headers={"content-type": "multipart/form-data; boundary=B"},
        )
    # Another request on another connection: by its answer the first has been cleaned up or not.
    await service.add_model("after", doubling_model(11.0))
    assert list(service.context.models_dir.glob("*.part")) == []
