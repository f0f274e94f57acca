"""Processor time of the service per operation of a fan-out, for few items and for many.

    python -m benchmarks.fan_out [--items 100 10000] [--limit-s 180] [--beside CHECKOUT]

Each item passes two stages of a model of some microseconds. Printed too is the ratio between the
largest and the smallest fan-out. `--beside` does the same with another checkout that has an
environment in ``.venv``; a fan-out that has not ended after `--limit-s` is given up.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from benchmarks.conditions import conditions
from benchmarks.sites import Site, add_beside, checkouts, site
from fjord import Client

STAGES = 2
MEASURED_S = 300.0


def model() -> bytes:
    """A model of one addition, of any length."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("x", "y")]
    node = helper.make_node("Add", ["x", "x"], ["y"])
    graph = helper.make_graph([node], "twice", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def prepare(fjord: Client) -> None:
    """Have the model measured, and make a workload that fans out."""
    fjord.upload_model("twice", model(), profile_shapes={"x": [4]})
    fjord.wait_until_profiled(["twice"], timeout_s=MEASURED_S)
    stages = [
        {"name": "a", "model": "twice", "for_each": "xs", "inputs": {"x": "xs"}},
        {"name": "b", "model": "twice", "for_each": "xs", "inputs": {"x": "a.y"}},
    ]
    many = {"xs": {"dtype": "float32", "shape": [-1], "is_list": True}}
    fjord.create_workload(
        {"name": "many", "inputs": many, "stages": stages, "outputs": {"ys": "b.y"}}
    )


def cost_us(found: Site, fjord: Client, items: int, limit_s: float) -> float | None:
    """Processor time of the service per operation of a fan-out; ``None`` if it does not end."""
    serving = found.child("api.cli serve")
    xs = [np.full(3, i, np.float32) for i in range(items)]
    before = serving.cpu_times()
    run = fjord.submit("many", {"xs": xs}, priority="background")
    ended = fjord.wait(run, timeout_s=limit_s)
    if ended.state != "finished":
        fjord.cancel(run)
        return None
    after = serving.cpu_times()
    spent_s: float = after.user - before.user + after.system - before.system
    return spent_s * 1e6 / (STAGES * items)


def measure(checkout: Path, items: list[int], limit_s: float) -> None:
    """Print the figures of one checkout."""
    with site(checkout) as found, Client(found.url, timeout_s=120) as fjord:
        prepare(fjord)
        costs = {count: cost_us(found, fjord, count, limit_s) for count in sorted(items)}
    for count, spent_us in costs.items():
        said = f"{spent_us:.0f} us" if spent_us is not None else f"not in {limit_s:g} s"
        print(f"  {count:6} items: {said} of the service per operation")
    small, large = costs[min(items)], costs[max(items)]
    if small and large:
        print(f"  ratio {large / small:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--items", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--limit-s", type=float, default=180.0)
    add_beside(parser)
    asked = parser.parse_args()
    print(conditions([]))
    for name, checkout in checkouts(asked.beside).items():
        print(name)
        measure(checkout, asked.items, asked.limit_s)


if __name__ == "__main__":
    main()
