"""Seconds from ``kill -9`` of the service to the first right answer, with many models behind it.

    python -m benchmarks.restart [--models 20] [--nodes 2000] [--beside CHECKOUT] [--tenth]

Chains of Relu and Sigmoid of their own each, measured on every lane; a run of the first one then
asks for an answer until it comes. `--beside` does the same with another checkout that has an
environment in ``.venv``, and gives the ratio. `--tenth` holds the service that starts to a tenth of
a core, by a cgroup of version 1 or 2 where this process may make one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from onnx import TensorProto, helper

from benchmarks.conditions import conditions
from benchmarks.sites import Site, add_beside, checkouts, site
from fjord import Client

SHAPE = (1, 4)
MEASURED_S, ANSWER_S = 600.0, 120.0
POLL_S = 0.1
QUOTA = ("10000", "100000")
"""Microseconds of each period: a tenth of a core."""


def chain(seed: int, nodes: int) -> bytes:
    """A model of elementwise nodes in a row, another one for each seed."""
    names = ["x", *(f"t{i}" for i in range(nodes - 1)), "y"]
    kinds = ("Sigmoid", "Relu")
    row = [
        helper.make_node(kinds[(i + seed) % 2], [names[i]], [names[i + 1]]) for i in range(nodes)
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in ("x", "y")]
    graph = helper.make_graph(row, f"chain{seed}", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def fill(found: Site, models: int, nodes: int) -> None:
    """Upload the models, have them measured, and make a workload of the first."""
    names = [f"m{i}" for i in range(models)]
    with Client(found.url, timeout_s=120) as fjord:
        for i, name in enumerate(names):
            fjord.upload_model(name, chain(i, nodes))
        fjord.wait_until_profiled(names, timeout_s=MEASURED_S)
        tensor = {"dtype": "float32", "shape": list(SHAPE)}
        stage = {"name": "s", "model": "m0", "inputs": {"x": "x"}}
        workload = {"name": "w", "inputs": {"x": tensor}, "stages": [stage]}
        fjord.create_workload({**workload, "outputs": {"y": "s.y"}})


def answered_after_s(found: Site) -> float | None:
    """Kill the service, and submit runs until one is right; ``None`` if none ever is."""
    found.child("api.cli serve").kill()
    began_s = time.monotonic()
    while time.monotonic() - began_s < ANSWER_S:
        with (
            contextlib.suppress(Exception),
            Client(found.url, timeout_s=5, patience_s=0.0) as fjord,
        ):
            inputs = {"x": np.ones(SHAPE, np.float32)}
            run = fjord.submit("w", inputs, priority="critical", wait_s=4)
            if fjord.wait(run, timeout_s=4).state == "finished":
                return time.monotonic() - began_s
        time.sleep(POLL_S)
    return None


@contextlib.contextmanager
def held(process: int) -> Iterator[bool]:
    """Hold the later children of a process to a tenth of a core, if a cgroup can be made."""
    folder = next((f for f in _groups() if os.access(f, os.W_OK)), None)
    if folder is None:
        yield False
        return
    own = folder / f"fjord-restart-{os.getpid()}"
    own.mkdir()
    try:
        if (own / "cpu.max").exists():
            (own / "cpu.max").write_text(" ".join(QUOTA))
        else:
            (own / "cpu.cfs_period_us").write_text(QUOTA[1])
            (own / "cpu.cfs_quota_us").write_text(QUOTA[0])
        (own / "cgroup.procs").write_text(str(process))
        yield True
    finally:
        for pid in (own / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (folder / "cgroup.procs").write_text(pid)
        with contextlib.suppress(OSError):
            own.rmdir()


def _groups() -> list[Path]:
    root = Path("/sys/fs/cgroup")
    has_two = (root / "cgroup.controllers").exists()
    return [root] if has_two else [each for each in (root / "cpu",) if each.is_dir()]


def measured(checkout: Path, asked: argparse.Namespace) -> float | None:
    """One start of a site, and one kill."""
    with site(checkout) as found:
        fill(found, asked.models, asked.nodes)
        if not asked.tenth:
            return answered_after_s(found)
        with held(found.process.pid) as is_held:
            if not is_held:
                print("not held to a tenth of a core: no cgroup can be made here")
            return answered_after_s(found)


def main() -> None:
    """Print the seconds, and the ratio where two checkouts are compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--nodes", type=int, default=2000)
    parser.add_argument("--tenth", action="store_true")
    add_beside(parser)
    asked = parser.parse_args()
    load = psutil.getloadavg()[0]
    print(f"{conditions([0])}; load {load:.1f}; at most {ANSWER_S:g} s to an answer")
    found = {}
    for name, checkout in checkouts(asked.beside).items():
        took = found[name] = measured(checkout, asked)
        told = f"after {took:.1f} s" if took is not None else f"not within {ANSWER_S:g} s"
        print(f"{name}: {asked.models} models of {asked.nodes} nodes, answered {told}")
    this, beside = found["this"], found.get("beside")
    if this is not None and beside is not None:
        print(f"this / beside: {this / beside:.2f}")


if __name__ == "__main__":
    main()
