"""A service measures models, learns from them, and predicts one that it never saw."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from api.process.settings import Settings
from tests.api.http.routes.conftest import agent_of, serving

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]

Eventually = Callable[[Callable[[], Awaitable[bool]], float], Awaitable[None]]
WIDTHS = (96, 128, 192, 256)
BATCHES = (32, 128, 512)
PATIENCE_S = 300.0
"""A training takes some seconds of time that others leave over, which may be little."""


TANGENTS = 12
"""So many that the roofline is off several times over, whatever the processor."""


def product(width: int) -> bytes:
    """A product with a square matrix, and tangents: slow beyond what the roofline knows of them."""
    # Small numbers: a tangent of a tangent stays near what it was, in any arithmetic.
    values = np.full((width, width), 0.1 / width, np.float32)
    last = 1 + TANGENTS
    nodes = [
        helper.make_node("MatMul", ["x0", "w"], ["x1"]),
        *(helper.make_node("Tan", [f"x{i}"], [f"x{i + 1}"]) for i in range(1, last)),
    ]
    sizes: list[str | int | None] = ["n", width]
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info(f"x{last}", TensorProto.FLOAT, sizes)],
        [numpy_helper.from_array(values, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


async def upload(client: httpx.AsyncClient, width: int) -> None:
    name = f"products-{width}"
    files = {"file": (f"{name}.onnx", product(width))}
    answer = await client.post("/v1/models", data={"name": name}, files=files)
    assert answer.is_success, answer.text
    for batch in BATCHES:
        body = {"shapes": {"x0": [batch, width]}}
        answer = await client.post(f"/v1/models/{name}/profile", json=body)
        assert answer.is_success, answer.text


async def found(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    body: dict[str, Any] = answer.json()
    return body if answer.is_success else {}


async def has_machine(client: httpx.AsyncClient) -> bool:
    return bool((await found(client, "/v1/devices")).get("machines"))


async def has_learned(client: httpx.AsyncClient) -> bool:
    models = await found(client, "/v1/cost-models")
    tried = models["learning"]["trainings"] if models else []
    assert all(training["replaced"] for training in tried), tried
    return bool(tried and models["artifact"])


async def is_measured(client: httpx.AsyncClient, name: str) -> bool:
    return bool((await found(client, f"/v1/models/{name}/profiles")).get("profiles"))


async def test_a_model_never_seen_is_predicted_from_those_that_were_measured(
    tmp_path: Path, store_url: str, site: str, eventually: Eventually
) -> None:
    settings = Settings(
        data_dir=tmp_path / "data",
        store_url=store_url,
        site=site,
        box=f"box-{site}",
        train_rows=len(WIDTHS) * (1 + len(BATCHES)),
    )
    async with (
        serving(settings) as (url, _),
        httpx.AsyncClient(base_url=url, timeout=30) as client,
        agent_of(url, tmp_path / "agent", settings.box),
    ):
        await eventually(partial(has_machine, client), 30.0)
        for width in WIDTHS:
            await upload(client, width)
        await eventually(partial(has_learned, client), PATIENCE_S)
        learning = (await found(client, "/v1/cost-models"))["learning"]
        await upload(client, 160)
        await eventually(partial(is_measured, client, "products-160"), 30.0)
        answers = (await found(client, "/v1/models/products-160/profiles"))["profiles"]
    (trained,) = learning["trainings"]
    assert trained["replaced"]
    assert (trained["rows"], trained["families"]) == (settings.train_rows, len(WIDTHS))
    # The prediction for it before it was measured for the first time.
    first = min((answer["profile"] for answer in answers), key=lambda profile: profile["at_us"])
    assert first["provenance"] == "learned"
    assert first["expected_us"] >= 1
