"""A running operation is preempted by a critical run and finishes later; its price is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from api.tools.demo.service import Service, running_service, wait_for
from devices.catalogue import FUNCTIONS
from fjord import Client
from fjord.client.wire import Input, Json, Run
from tests.onnx_models import model, node, save

PATIENCE_S = 60.0
WIDTH = 128
STEPS = 480
"""About 15 ms for one matrix, with a place to stop at after each product."""
LONG = 256
"""Matrices of a run that takes seconds."""
LONGER = 900
"""Matrices of a run that takes long enough to pay for a new worker and two sessions."""
WAITS = """
from time import sleep

from fjord import TensorType, function

ONE = TensorType("float32", (1,))


@function(name="wait", inputs={"x": ONE}, outputs={"y": ONE}, expected_us=40_000_000)
def wait(x):
    sleep(40)
    return {"y": x}
"""


@pytest.fixture(scope="module")
def one_lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A site with one machine, and two workloads.

    The time of ``shift`` is as long as the batch it is given; ``wait`` is a function, which no
    provider can stop.
    """
    folder = tmp_path_factory.mktemp("giving-way")
    environment = {"FJORD_PROFILE_SHARE": "0", "PYTHONPATH": str(plug_in(folder / "functions"))}
    with running_service(folder, arguments=["--cores", "0"], environment=environment) as service:
        with Client(service.url) as client:
            client.upload_model(
                "shift", shift_model(folder), profile_shapes={"x": [1, WIDTH, WIDTH]}
            )
            client.create_workload(
                {
                    "name": "shift",
                    "inputs": {"x": {"dtype": "float32", "shape": [-1, WIDTH, WIDTH]}},
                    "stages": [{"name": "shift", "model": "shift", "inputs": {"x": "x"}}],
                    "outputs": {"y": "shift.y"},
                }
            )
            client.create_workload(
                {
                    "name": "wait",
                    "inputs": {"x": {"dtype": "float32", "shape": [1]}},
                    "stages": [{"name": "wait", "function": "wait", "inputs": {"x": "x"}}],
                    "outputs": {"y": "wait.y"},
                }
            )
            client.wait_until_profiled(["shift"])
        yield service


def plug_in(folder: Path) -> Path:
    """Installs the function ``wait`` in a folder."""
    package = folder / "waits-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Name: waits\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[fjord.functions]\nwaits = waits\n")
    (folder / "waits.py").write_text(WAITS)
    return folder


def shift_model(folder: Path) -> Path:
    """Moves every column one to the right, `STEPS` times: exact in any arithmetic."""
    wires = ["x", *(f"t{step}" for step in range(1, STEPS)), "y"]
    value = model(
        [node("MatMul", f"{wires[i]} w", wires[i + 1]) for i in range(STEPS)],
        inputs={"x": ["n", WIDTH, WIDTH]},
        constants={"w": np.roll(np.eye(WIDTH, dtype=np.float32), 1, axis=1)},
    )
    return save(value, folder, "shift")


def matrices(count: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Rows whose largest value is in the first column."""
    value = np.zeros((count, WIDTH, WIDTH), dtype=np.float32)
    value[:, :, 0] = 1.0
    return value


def running(client: Client, provider: str, count: int = LONG) -> Run:
    """A run of the background band that has begun."""
    is_function = provider == FUNCTIONS
    inputs: dict[str, Input] = {"x": np.zeros(1, np.float32) if is_function else matrices(count)}
    name = "wait" if is_function else "shift"
    run = client.submit(name, inputs, priority="background", allow=[f"*:{provider}"])
    wait_until_it_runs(client, run)
    return run


def wait_until_it_runs(client: Client, run: Run) -> None:
    def runs() -> bool:
        return any(op["state"] == "running" for op in client.run(run).record["operations"])

    wait_for(runs, PATIENCE_S, f"{run.id} does not run")


def operation(client: Client, run: Run) -> Json:
    (only,) = client.run(run).record["operations"]
    found: Json = only
    return found


def test_what_runs_gives_way_comes_back_and_finishes(one_lane: Service) -> None:
    with Client(one_lane.url) as client:
        long = running(client, "cpu")
        urgent = client.submit("shift", {"x": matrices(1)}, priority="critical", allow=["*:cpu"])
        assert client.wait(urgent, timeout_s=PATIENCE_S).state == "finished"
        assert not client.run(long).is_final
        assert client.wait(long, timeout_s=PATIENCE_S).state == "finished"
        for run, matrices_in in ((urgent, 1), (long, LONG)):
            columns = np.asarray(client.results(run)["y"]).argmax(axis=2)
            assert columns.shape == (matrices_in, WIDTH)
            assert (columns == STEPS % WIDTH).all()
        (stopped,) = operation(client, long)["failures"]
        assert (operation(client, long)["attempt"], stopped["attempt"]) == (2, 1)
        assert stopped["message"] == f"gave way to {operation(client, urgent)['operation']}"
        lines = client.story(long)["lines"]
        (way,) = [line for line in lines if line["trigger"] == "gave_way"]
        assert (way["attempt"], way["detail"]) == (1, operation(client, urgent)["operation"])

        again = running(client, "cpu")
        way = stop_for_critical(client)
        assert way["victim"] == operation(client, again)["operation"]
        assert (way["ends_worker"], way["provenance"]) == (False, "measured")
        client.cancel(again)


def stop_for_critical(client: Client) -> Json:
    """The operations that a critical run would preempt, by its dry run."""
    inputs = {"x": matrices(1)}
    answer = client.plan("shift", inputs, priority="critical", allow=["*:cpu"])
    way: Json
    (way,) = answer["preemptions"]
    return way


@pytest.mark.parametrize(
    "unstoppable", [FUNCTIONS, pytest.param("openvino", marks=pytest.mark.provider("openvino"))]
)
def test_a_worker_that_ends_to_give_way_takes_nothing_with_it(
    one_lane: Service, unstoppable: str
) -> None:
    with Client(one_lane.url) as client:
        # The times of a stop and of a restart are known after the first worker that has to end.
        client.cancel(running(client, unstoppable, LONGER))
        long = running(client, unstoppable, LONGER)
        way = stop_for_critical(client)
        assert (way["ends_worker"], way["provenance"], way["refused"]) == (True, "measured", "")
        urgent = client.submit("shift", {"x": matrices(1)}, priority="critical", allow=["*:cpu"])
        assert client.wait(urgent, timeout_s=PATIENCE_S).state == "finished"
        done = operation(client, urgent)
        assert (done["attempt"], done["failures"]) == (1, [])
        wait_until_it_runs(client, long)
        (stopped,) = operation(client, long)["failures"]
        assert stopped["message"] == f"gave way to {done['operation']}"
        assert operation(client, long)["attempt"] == 2
        client.cancel(long)
