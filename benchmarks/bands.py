"""The bands as a program feels them that gathers many runs at once.

    python -m benchmarks.bands [--rounds 3] [--runs 200] [--beside CHECKOUT]

So many runs of some milliseconds are submitted at once through one `AsyncClient`, a quarter of them
in each band, in an order drawn with the seed of the round. Latencies are those of the client, from
the call of `submit` to the record of the end. `--beside` has the client of another checkout, in its
own process, do the same with the same service, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import time
from pathlib import Path

import numpy as np

from benchmarks.conditions import conditions
from benchmarks.sites import HERE, add_beside, checkouts, python_of, site
from benchmarks.urgent import WIDTH, model
from fjord import AsyncClient, Client

BANDS = ("critical", "high", "normal", "background")
STEPS = 18_000
"""Products of a matrix: about 25 ms."""
PATIENCE_S = 300.0


def prepare(url: str) -> None:
    """Have the model measured, and make the workload."""
    tensor = {"dtype": "float32", "shape": [1, WIDTH]}
    with Client(url, timeout_s=PATIENCE_S) as client:
        client.upload_model("banded", model(STEPS), profile_shapes={"x": [1, WIDTH]})
        client.wait_until_profiled(["banded"], timeout_s=PATIENCE_S)
        client.create_workload(
            {
                "name": "banded",
                "inputs": {"x": tensor},
                "stages": [{"name": "s", "model": "banded", "inputs": {"x": "x"}}],
                "outputs": {"y": "s.y"},
            }
        )


async def gathered(url: str, runs: int, seed: int) -> dict[str, float]:
    """Median latency of each band in milliseconds."""
    value = np.zeros((1, WIDTH), np.float32)
    order = [BANDS[i % len(BANDS)] for i in range(runs)]
    random.Random(seed).shuffle(order)
    async with AsyncClient(url) as client:

        async def one(band: str) -> float:
            began_s = time.perf_counter()
            await client.submit("banded", {"x": value}, priority=band, wait_s=PATIENCE_S)
            return (time.perf_counter() - began_s) * 1e3

        took = await asyncio.gather(*(one(band) for band in order))
    by_band: dict[str, list[float]] = {band: [] for band in BANDS}
    for band, ms in zip(order, took, strict=True):
        by_band[band].append(ms)
    return {band: float(np.median(each)) for band, each in by_band.items()}


def main() -> None:
    """Print the medians of each client, round by round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--gather", nargs=2, metavar=("URL", "SEED"), help=argparse.SUPPRESS)
    add_beside(parser)
    asked = parser.parse_args()
    if asked.gather:
        url, seed = asked.gather
        print(json.dumps(asyncio.run(gathered(url, asked.runs, int(seed)))))
        return
    print(conditions(list(range(asked.rounds))))
    with site(environment={"FJORD_PROFILE_SHARE": "0"}) as service:
        prepare(service.url)
        for seed in range(asked.rounds):
            for name, checkout in checkouts(asked.beside).items():
                found = _of_client(checkout, service.url, asked.runs, seed)
                each = ", ".join(f"{band} {ms:.0f}" for band, ms in found.items())
                ratio = found["critical"] / found["background"]
                print(f"{name}: {each} ms; critical/background {ratio:.2f}", flush=True)


def _of_client(checkout: Path, url: str, runs: int, seed: int) -> dict[str, float]:
    """Run this script with the client of a checkout, in a process of its own."""
    command = [python_of(checkout), "-P", str(Path(__file__)), "--runs", str(runs)]
    code = {"PYTHONPATH": f"{checkout}{os.pathsep}{HERE}"}
    done = subprocess.run(
        [*command, "--gather", url, str(seed)],
        env={**os.environ, **code},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
