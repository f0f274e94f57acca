from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from api.tools.demo.service import Service, running_service
from fjord import Client
from tests.onnx_models import model, node, save

WIDTH = 256
"""One tensor is 256 KiB: too large to travel inside a message."""
STEPS = 480
"""About 60 ms on one core by the fastest provider: submitting takes less than running does."""


def shift_model(folder: Path) -> Path:
    """A model that moves every column one to the right, `STEPS` times: exact in any arithmetic."""
    nodes = [node("MatMul", f"{_wire(i)} w", _wire(i + 1)) for i in range(STEPS)]
    value = model(
        nodes,
        inputs={"x": [WIDTH, WIDTH]},
        outputs=("y",),
        constants={"w": np.roll(np.eye(WIDTH, dtype=np.float32), 1, axis=1)},
    )
    return save(value, folder, "shift")


def _wire(step: int) -> str:
    return {0: "x", STEPS: "y"}.get(step, f"t{step}")


@pytest.fixture(scope="session")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A ``fjord up`` whose parts may be killed, with a workload of two models and a function."""
    folder = tmp_path_factory.mktemp("chaos")
    with running_service(
        folder, environment={"FJORD_SITE": "chaos", "FJORD_KEEP_LOG": "1"}
    ) as service:
        with Client(service.url) as client:
            client.upload_model("shift", shift_model(folder))
            client.create_workload(
                {
                    "name": "twice",
                    "inputs": {"x": {"dtype": "float32", "shape": [WIDTH, WIDTH]}},
                    "stages": [
                        {"name": "first", "model": "shift", "inputs": {"x": "x"}},
                        {"name": "second", "model": "shift", "inputs": {"x": "first.y"}},
                        {"name": "best", "function": "arg_max", "inputs": {"scores": "second.y"}},
                    ],
                    "outputs": {"column": "best.indices"},
                }
            )
            client.wait_until_profiled(["shift"])
        yield service
