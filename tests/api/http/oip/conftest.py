from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import pytest
from onnx import TensorProto, helper

from tests.api.http.routes.conftest import Eventually, Service
from tests.api.http.routes.conftest import service as service

JSON_IN = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
BODIES = {
    name: {"inputs": [{"name": "in.put", "shape": [0], "datatype": datatype, "data": []}]}
    for name, datatype in (("texts", "BYTES"), ("halves", "FP16"))
}
Reached = Callable[[str], Awaitable[None]]


def echo(kind: int, dimensions: list[str]) -> bytes:
    """A model that gives back what it gets, of one element type."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["in.put"], ["out:put"])],
        "echo",
        [helper.make_tensor_value_info("in.put", kind, dimensions)],
        [helper.make_tensor_value_info("out:put", kind, dimensions)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture(scope="module")
async def client(service: Service) -> httpx.AsyncClient:
    """A service with three models: one doubles, one echoes texts, one half-precision numbers."""
    assert (await service.add_model("double")).is_success
    texts = echo(TensorProto.STRING, ["n"])
    assert (await service.add_model("texts", texts, profile_shapes='{"in.put": [1]}')).is_success
    halves = echo(TensorProto.FLOAT16, ["n"])
    assert (await service.add_model("halves", halves, profile_shapes='{"in.put": [1]}')).is_success
    service.client.event_hooks = {}
    return service.client


@pytest.fixture(scope="module")
def reached(client: httpx.AsyncClient, service: Service, eventually: Eventually) -> Reached:
    """Waits until calls of a model reach a worker past the controller: `await reached(name)`."""

    async def is_reached(name: str) -> bool:
        record = await service.context.store.model(name)
        if service.context.services.calls.lanes(record.digest):
            return True
        await client.post(f"/v2/models/{name}/infer", json=BODIES.get(name, JSON_IN))
        return False

    async def wait(name: str) -> None:
        await eventually(partial(is_reached, name))

    return wait
