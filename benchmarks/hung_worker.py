"""The delay of a critical run whose worker hangs while another lane is free.

    python -m benchmarks.hung_worker [--rounds 5] [--beside CHECKOUT]

Each round stops one of two workers (SIGSTOP) while it is idle and sends critical runs, one after
another, until one has been given to it; its latency less the median of undisturbed runs is the
delay. Then the worker goes on. `--beside` measures another checkout of Fjord in the same way, round
by round in turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from api.tools.demo.service import wait_for
from benchmarks.conditions import conditions
from benchmarks.sites import Site, add_beside, checkouts, site
from fjord import Client

WIDTH, STEPS = 128, 480
"""About 15 ms of products on one core, with a place to stop after each."""
UNDISTURBED = 10
MOST_TRIES = 8
"""Critical runs that are sent at most until one meets the worker that hangs."""
HANG_S = 0.5
"""A run that takes this much longer than an undisturbed one was given to the worker that hangs."""
PATIENCE_S = 120.0


def model() -> bytes:
    """A chain of products by a permutation."""
    wires = ["x", *(f"t{i}" for i in range(1, STEPS)), "y"]
    nodes = [helper.make_node("MatMul", [wires[i], "w"], [wires[i + 1]]) for i in range(STEPS)]
    weight = numpy_helper.from_array(np.roll(np.eye(WIDTH, dtype=np.float32), 1, axis=1), "w")
    shape: list[str | int | None] = ["n", WIDTH, WIDTH]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [weight],
    )
    opset = [helper.make_opsetid("", 17)]
    made: onnx.ModelProto = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return bytes(made.SerializeToString())


def prepare(service: Site) -> None:
    """Have the model measured, and make a workload of it."""
    with Client(service.url, timeout_s=PATIENCE_S) as client:
        client.upload_model("chain", model(), profile_shapes={"x": [1, WIDTH, WIDTH]})
        client.create_workload(
            {
                "name": "chain",
                "inputs": {"x": {"dtype": "float32", "shape": [-1, WIDTH, WIDTH]}},
                "stages": [{"name": "chain", "model": "chain", "inputs": {"x": "x"}}],
                "outputs": {"y": "chain.y"},
            }
        )
        client.wait_until_profiled(["chain"], timeout_s=PATIENCE_S)


def critical_s(client: Client) -> float:
    """Seconds from sending a critical run to its end."""
    value = np.zeros((1, WIDTH, WIDTH), np.float32)
    began_s = time.perf_counter()
    run = client.submit("chain", {"x": value}, priority="critical")
    done = client.wait(run, timeout_s=PATIENCE_S)
    if done.state != "finished":
        sys.exit(f"a critical run {done.state}: {done.reason}")
    return time.perf_counter() - began_s


def delay_s(service: Site) -> float:
    """Delay of a critical run that was given to a worker that hangs, in seconds."""
    with Client(service.url, timeout_s=PATIENCE_S) as client:
        wait_for(lambda: _all_up(client), PATIENCE_S, "a machine is not up")
        usual_s = statistics.median(critical_s(client) for _ in range(UNDISTURBED))
        for worker in service.children("devices.worker"):
            worker.suspend()
            try:
                for _ in range(MOST_TRIES):
                    late_s = critical_s(client) - usual_s
                    if late_s > HANG_S:
                        return late_s
            finally:
                if worker.is_running():
                    worker.resume()
    return 0.0


def _all_up(client: Client) -> bool:
    return all(machine["state"] == "up" for machine in client.devices())


def main() -> None:
    """Print the delays of each checkout, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    add_beside(parser)
    asked = parser.parse_args()
    print(f"{conditions([0])}, load {os.getloadavg()[0]:.1f}")
    found = checkouts(asked.beside)
    delays: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(asked.rounds):
        for name, checkout in found.items():
            with site(checkout, {"FJORD_PROFILE_SHARE": "0"}) as service:
                prepare(service)
                delays[name].append(delay_s(service))
    for name, took_s in delays.items():
        each = " ".join(f"{delay:.2f}" for delay in took_s)
        middle_s = statistics.median(took_s)
        print(f"{name}: median {middle_s:.2f} s, worst {max(took_s):.2f} s ({each})")
    if asked.beside:
        ratio = statistics.median(delays["beside"]) / max(statistics.median(delays["this"]), 1e-3)
        print(f"beside / this: {ratio:.1f}")


if __name__ == "__main__":
    main()
