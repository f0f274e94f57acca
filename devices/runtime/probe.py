"""Proves a provider in a child process: ``python -m devices.runtime.probe NAME [LOCK]``.

A provider that crashes or hangs can then hurt nothing but this child. With a file to lock it also
measures how fast the provider is at most, one child after the other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from devices.catalogue import provider
from devices.runtime.child import answer_on_stdout
from devices.runtime.peaks import measure_peaks
from devices.runtime.profile import profile
from scheduler.model.measuring import Peaks
from scheduler.model.messages import Profile, Verdict

_SEED = 7
_OPSET = 17
_IR_VERSION = 8
_REPEATS = 3
_BUDGET_US = 500_000


def tiny_model() -> onnx.ModelProto:
    """A convolution, a matrix product and the nodes between them, with seeded weights."""
    random = np.random.default_rng(_SEED)
    weights = {
        "kernel": random.normal(0, 0.3, (8, 3, 3, 3)),
        "matrix": random.normal(0, 0.1, (8 * 8 * 8, 10)),
    }
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["features"], ["active"]),
        helper.make_node("Flatten", ["active"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(v.astype(np.float32), name) for name, v in weights.items()],
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)


def probe(name: str) -> Profile:
    """Run the tiny model on a provider and compare it with the CPU."""
    with TemporaryDirectory(prefix="fjord-probe-") as folder:
        path = Path(folder) / "tiny.onnx"
        onnx.save(tiny_model(), path)
        row = provider(name)
        return profile(path, "tiny", row, row.lane, repeats=_REPEATS, budget_us=_BUDGET_US)


def peaks(name: str, lock: Path) -> Peaks:
    """Measure the provider while no other child does; a core of its own is left to each."""
    with _alone(lock):
        return measure_peaks(provider(name))


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # not on Windows: the best of several runs counts there as well
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> None:
    """Probe one provider and print its profile, and its peaks if they are wanted."""
    with answer_on_stdout() as answer:
        found = probe(arguments[0])
        is_wanted = len(arguments) > 1 and found.verdict is Verdict.USABLE
        answer((found, peaks(arguments[0], Path(arguments[1])) if is_wanted else None))


if __name__ == "__main__":
    main(sys.argv[1:])
