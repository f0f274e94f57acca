"""Measured models are loaded; after a crash session making is foreseen, and work stays near."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from api.cli.submitting import print_preview
from api.tools.demo.service import Service
from fjord import Client
from fjord.client.wire import Input, Json, Run
from tests.chaos.test_survival import parts_of, wait_until
from tests.onnx_models import model, node, save, weights

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

WIDTH, LAYERS = 8, 300
"""Many small nodes: milliseconds to load each ten, microseconds to run."""
CPU = ["*:cpu"]
SERIES = 4


def deep_model(folder: Path) -> Path:
    wires = ["x", *(f"t{i}" for i in range(1, 2 * LAYERS)), "y"]
    nodes = [
        node(("MatMul", "Tanh")[i % 2], f"{wires[i]} w" if i % 2 == 0 else wires[i], wires[i + 1])
        for i in range(2 * LAYERS)
    ]
    value = model(nodes, inputs={"x": ["n", WIDTH]}, constants={"w": weights(3, WIDTH, WIDTH)})
    return save(value, folder, "deep")


def operation(client: Client, run: Run) -> Json:
    (only,) = client.run(run).record["operations"]
    found: Json = only
    return found


def last_operation(client: Client, inputs: dict[str, Input]) -> Json:
    return operation(client, client.wait(client.submit("deep", inputs, allow=CPU)))


def cold_preview(client: Client, inputs: dict[str, Input]) -> Json:
    """The dry run once every worker is there again, with nothing loaded."""
    found: list[Json] = []

    def all_are_back() -> bool:
        found.append(client.plan("deep", inputs, allow=CPU))
        (only,) = found[-1]["record"]["operations"]
        lanes = {each["machine"] for each in only["candidates"]}
        ready = {each["machine"] for each in only["candidates"] if each["finish_us"]}
        return bool(only["load_us"] > 0 and lanes == ready)

    wait_until(all_are_back)
    return found[-1]


def test_a_load_is_in_the_plan_and_a_short_series_stays_where_it_was_done(
    fragile: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs: dict[str, Input] = {"x": np.ones((1, WIDTH), np.float32)}
    with Client(fragile.url) as client:
        client.upload_model("deep", deep_model(tmp_path), profile_shapes={"x": [1, WIDTH]})
        client.create_workload(
            {
                "name": "deep",
                "inputs": {"x": {"dtype": "float32", "shape": [-1, WIDTH]}},
                "stages": [{"name": "deep", "model": "deep", "inputs": {"x": "x"}}],
                "outputs": {"y": "deep.y"},
            }
        )
        client.wait_until_profiled(["deep"])
        assert last_operation(client, inputs)["load_us"] == 0

        for worker in parts_of(fragile, "devices.worker"):
            worker.kill()
        preview = cold_preview(client, inputs)
        (cold,) = preview["record"]["operations"]
        assert len({c["machine"] for c in cold["candidates"] if c["finish_us"]}) > 1
        assert cold["load_us"] > SERIES * cold["duration_p95_us"]
        took_us = cold["planned_end_us"] - cold["planned_start_us"]
        assert took_us == cold["load_us"] + cold["duration_p50_us"]
        assert preview["makespan_us"] == took_us
        print_preview(preview)
        assert "loads its session first" in capsys.readouterr().out

        first = last_operation(client, inputs)
        assert first["load_us"] > 0
        runs = [client.submit("deep", inputs, allow=CPU) for _ in range(SERIES)]
        series = [operation(client, client.wait(run)) for run in runs]
        assert [op["machine"] for op in series] == [first["machine"]] * SERIES
        assert [op["load_us"] for op in series] == [0] * SERIES
