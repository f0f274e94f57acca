"""The price of 20,000 waiting background operations to a stream of critical runs.

    python -m benchmarks.urgent [--rounds 1] [--waiting 20000] [--seconds 10] [--beside CHECKOUT]

A critical run of about a millisecond is sent ten times a second, alone and while one fan-out of
that many items of a few milliseconds waits. Latencies are those of the client, in milliseconds.
`--beside` measures another checkout of Fjord in the same way, in turns. The store syncs its disk at
each of the four hops of a run, so the time of a sync is printed too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.conditions import conditions
from benchmarks.sites import Site, add_beside, checkouts, site
from fjord import AsyncClient, Client

WIDTH = 16
SHORT, LONG = 300, 1_500
"""Products of a matrix: about 1 ms, and 5 ms."""
PERIOD_S = 0.1
SETTLE_S = 2.0
PATIENCE_S = 120.0
SYNCS, RECORD_BYTES = 100, 3_000

Figures = dict[str, float]


def model(steps: int) -> bytes:
    """A chain of small products by a permutation."""
    wires = ["x", *(f"t{i}" for i in range(1, steps)), "y"]
    nodes = [helper.make_node("MatMul", [wires[i], "w"], [wires[i + 1]]) for i in range(steps)]
    weight = numpy_helper.from_array(np.roll(np.eye(WIDTH, dtype=np.float32), 1, axis=1), "w")
    value = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, WIDTH]) for name in ("x", "y")
    ]
    graph = helper.make_graph(nodes, "chain", value[:1], value[1:], [weight])
    opset = [helper.make_opsetid("", 17)]
    made: onnx.ModelProto = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return bytes(made.SerializeToString())


def prepare(service: Site) -> None:
    """Have both models measured, and make a workload of one item and one that fans out."""
    tensor = {"dtype": "float32", "shape": [1, WIDTH]}
    with Client(service.url, timeout_s=PATIENCE_S) as client:
        for name, steps in (("short", SHORT), ("long", LONG)):
            client.upload_model(name, model(steps), profile_shapes={"x": [1, WIDTH]})
        client.wait_until_profiled(["short", "long"], timeout_s=PATIENCE_S)
        client.create_workload(
            {
                "name": "urgent",
                "inputs": {"x": tensor},
                "stages": [{"name": "s", "model": "short", "inputs": {"x": "x"}}],
                "outputs": {"y": "s.y"},
            }
        )
        each = {"name": "s", "model": "long", "for_each": "xs", "inputs": {"x": "xs"}}
        client.create_workload(
            {
                "name": "wide",
                "inputs": {"xs": tensor | {"is_list": True}},
                "stages": [each],
                "outputs": {"ys": "s.y"},
            }
        )


async def latencies(client: AsyncClient, seconds: float) -> list[float]:
    """Milliseconds from sending each critical run to its result."""
    value = np.zeros((1, WIDTH), np.float32)

    async def one() -> float:
        began_s = time.perf_counter()
        await client.submit("urgent", {"x": value}, priority="critical", wait_s=PATIENCE_S)
        return (time.perf_counter() - began_s) * 1e3

    began_s, sent = time.perf_counter(), []
    for i in range(round(seconds / PERIOD_S)):
        await asyncio.sleep(max(0.0, began_s + i * PERIOD_S - time.perf_counter()))
        sent.append(asyncio.create_task(one()))
    return await asyncio.gather(*sent)


async def figures(service: Site, waiting: int, seconds: float) -> Figures:
    """Median and p99 of the stream alone, and while `waiting` operations wait."""
    async with AsyncClient(service.url, timeout_s=PATIENCE_S) as client:
        await latencies(client, SETTLE_S)
        alone = await latencies(client, seconds)
        items = [np.zeros((1, WIDTH), np.float32)] * waiting
        await client.submit("wide", {"xs": items}, priority="background")
        await latencies(client, SETTLE_S)
        beside = await latencies(client, seconds)
    found = {"alone": alone, "beside": beside}
    shares = {"p50": 50, "p99": 99}
    return {
        f"{name} {share}": float(np.percentile(each, at))
        for name, each in found.items()
        for share, at in shares.items()
    }


def sync_ms() -> float:
    """Median time of a sync of a record appended to a file, on the disk that services use."""
    took: list[float] = []
    with tempfile.TemporaryFile() as file:
        for _ in range(SYNCS):
            file.write(bytes(RECORD_BYTES))
            file.flush()
            began_s = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began_s) * 1e3)
    return float(np.median(took))


def main() -> None:
    """Print the figures of each checkout, round by round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    add_beside(parser)
    asked = parser.parse_args()
    print(conditions([0]))
    for _ in range(asked.rounds):
        for name, checkout in checkouts(asked.beside).items():
            before_ms = sync_ms()
            with site(checkout, {"FJORD_PROFILE_SHARE": "0"}) as service:
                prepare(service)
                found = asyncio.run(figures(service, asked.waiting, asked.seconds))
            each = ", ".join(f"{what} {ms:.1f}" for what, ms in found.items())
            added_ms = found["beside p99"] - found["alone p99"]
            load = os.getloadavg()[0]
            print(
                f"{name}: {each} ms; p99 +{added_ms:.1f}; sync {before_ms:.1f} ms; load {load:.1f}"
            )


if __name__ == "__main__":
    main()
