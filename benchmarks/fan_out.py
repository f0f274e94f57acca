"""What a fan-out of ten thousand items costs the service, and those who come meanwhile.

    python -m benchmarks.fan_out [--items 100 10000] [--seconds 20] [--against CHECKOUT]

Each item passes two stages of a model of some microseconds. Figures: processor time of the service
per operation, and its ratio between the largest and the smallest fan-out; then the latency of
critical runs of one such operation at 10 Hz, alone and beside the largest fan-out, which is of the
background. `--against` does the same with another checkout that has an environment in ``.venv``; a
fan-out that has not ended after `--limit-s` is given up.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from api.client import Client
from benchmarks.conditions import conditions
from benchmarks.restart import Site, site, until_up

PERIOD_S = 0.1
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
    """Have the model measured, and make a workload of one operation and one that fans out."""
    fjord.upload_model("twice", model(), profile_shapes={"x": [4]})
    fjord.wait_until_profiled(["twice"], timeout_s=MEASURED_S)
    one = {"dtype": "float32", "shape": [-1]}
    first = {"name": "a", "model": "twice", "inputs": {"x": "x"}}
    fjord.create_workload(
        {"name": "one", "inputs": {"x": one}, "stages": [first], "outputs": {"y": "a.y"}}
    )
    stages = [
        {"name": "a", "model": "twice", "for_each": "xs", "inputs": {"x": "xs"}},
        {"name": "b", "model": "twice", "for_each": "xs", "inputs": {"x": "a.y"}},
    ]
    many = {"xs": {**one, "is_list": True}}
    fjord.create_workload(
        {"name": "many", "inputs": many, "stages": stages, "outputs": {"ys": "b.y"}}
    )


def fan_out(fjord: Client, items: int) -> str:
    """Start a fan-out of the background; gives its id."""
    xs = [np.full(3, i, np.float32) for i in range(items)]
    return fjord.submit("many", {"xs": xs}, priority="background").id


def cost_us(found: Site, fjord: Client, items: int, limit_s: float) -> float | None:
    """Processor time of the service per operation of a fan-out; ``None`` if it does not end."""
    serving = found.child("serve")
    assert serving is not None
    before = serving.cpu_times()
    run = fan_out(fjord, items)
    ended = fjord.wait(run, timeout_s=limit_s)
    if ended.state != "finished":
        fjord.cancel(run)
        return None
    after = serving.cpu_times()
    spent_s = after.user - before.user + after.system - before.system
    return spent_s * 1e6 / (STAGES * items)


def latencies_ms(fjord: Client, seconds: float) -> list[float]:
    """How long critical runs take that come at 10 Hz."""
    found: list[float] = []
    given = {"x": np.ones(3, np.float32)}
    began_s = time.monotonic()
    for i in range(int(seconds / PERIOD_S)):
        time.sleep(max(0.0, began_s + i * PERIOD_S - time.monotonic()))
        at_s = time.monotonic()
        fjord.submit("one", given, priority="critical", wait_s=30)
        found.append((time.monotonic() - at_s) * 1e3)
    return found


def measure(checkout: Path, items: list[int], seconds: float, limit_s: float) -> None:
    """Print the figures of one checkout."""
    with site(checkout) as found:
        until_up(found)
        with Client(found.url, timeout_s=120) as fjord:
            prepare(fjord)
            costs = {count: cost_us(found, fjord, count, limit_s) for count in sorted(items)}
            for count, spent_us in costs.items():
                said = f"{spent_us:.0f} us" if spent_us is not None else f"not in {limit_s:g} s"
                print(f"  {count:6} items: {said} of the service per operation")
            small, large = costs[min(items)], costs[max(items)]
            if small and large:
                print(f"  ratio {large / small:.2f}")
            _say("alone", latencies_ms(fjord, seconds))
            run = fan_out(fjord, max(items))
            _say(f"beside {STAGES * max(items)} waiting operations", latencies_ms(fjord, seconds))
            print(f"  meanwhile {fjord.run(run).record.get('operations_done', '?')} were done")
            fjord.cancel(run)


def _say(name: str, found: list[float]) -> None:
    p99 = sorted(found)[int(0.99 * (len(found) - 1))]
    print(
        f"  critical runs {name}: p50 {statistics.median(found):.1f} ms, p99 {p99:.1f} ms, "
        f"worst {max(found):.1f} ms ({len(found)} runs)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--items", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--limit-s", type=float, default=180.0)
    parser.add_argument("--against", type=Path, help="another checkout, measured after this one")
    options = parser.parse_args()
    print(conditions([]))
    for checkout in [Path.cwd(), *([options.against.resolve()] if options.against else [])]:
        print(checkout.name)
        measure(checkout, options.items, options.seconds, options.limit_s)


if __name__ == "__main__":
    main()
