"""Peaks of a provider on this machine: a short micro-benchmark of graphs made here.

The graphs are run as any model is, by a session of the provider, so models can reach the same
speeds: no provider's kernels are asked for more than they give.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from devices.catalogue import Provider
from devices.runtime.errors import ProviderRefused, RunFailed
from devices.runtime.session import Session, open_session
from devices.sensing.pace import count_ns
from scheduler.model.errors import InvalidTensor
from scheduler.model.measuring import Peaks

BUDGET_US = 150_000
"""Time to spend per provider, sessions included; a graph that has begun is measured once."""
SIDE = 384
"""Side of the square matrices: 0.6 MB each stay in a core's own cache, and launching is cheap."""
LAYERS = 4
COPIED_BYTES = 16 * 1024 * 1024
"""Read, and as much written: more than a core's part of most shared caches."""
CHAIN = 64
"""Nodes of the chain that shows the cost of one more node."""
# The best of these counts: others can only make a run longer.
_MOST_RUNS = 8
_SHARE = 0.08  # part of the budget that one graph's runs may take
_OPSET = 17
_IR_VERSION = 8
_FLOATS = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}
_FAULTS = (ProviderRefused, RunFailed, InvalidTensor, MemoryError)

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A graph, its inputs, and the peak that follows from its best time."""

    name: str
    model: Callable[[], onnx.ModelProto]
    dtype: str
    shape: tuple[int, ...]


def measure_peaks(
    row: Provider,
    *,
    threads: int = 1,
    budget_us: int = BUDGET_US,
    clock: Clock = time.perf_counter_ns,
) -> Peaks:
    """Measure the peaks of a provider; one that it cannot run, or that no time was left for, is 0.

    Parameters
    ----------
    clock
        Monotonic nanoseconds.
    """
    end_ns = clock() + budget_us * 1000
    paces = [count_ns(clock)]
    best: dict[str, int] = {}
    with TemporaryDirectory(prefix="fjord-peaks-") as folder:
        for trial in _trials():
            if clock() >= end_ns:
                break
            found = _best_ns(trial, row, Path(folder), threads, budget_us, clock)
            if found is not None:
                best[trial.name] = found
            paces += [count_ns(clock) for _ in range(3)]
    return replace(_peaks(row.name, best), pace_ns=min(paces))


def _trials() -> Iterator[_Trial]:
    """The most telling first: the budget may end before the last."""
    square = (SIDE, SIDE)
    yield _Trial(name="float32", model=_products, dtype="float32", shape=square)
    yield _Trial(name="launch", model=lambda: _chain(1), dtype="float32", shape=(1,))
    yield _Trial(name="chain", model=lambda: _chain(CHAIN), dtype="float32", shape=(1,))
    yield _Trial(name="copy", model=_copy, dtype="float32", shape=(COPIED_BYTES // 4,))
    yield _Trial(name="int8", model=_quantised_products, dtype="float32", shape=square)
    half = _Trial(name="float16", model=lambda: _products("float16"), dtype="float16", shape=square)
    yield half


def _best_ns(
    trial: _Trial, row: Provider, folder: Path, threads: int, budget_us: int, clock: Clock
) -> int | None:
    path = folder / f"{trial.name}.onnx"
    onnx.save(trial.model(), path)
    feeds = {"x": np.full(trial.shape, 0.01, dtype=trial.dtype)}
    try:
        session = open_session(path, row, shapes={"x": trial.shape}, threads=threads)
        session.run(feeds)  # the first run is the provider's to warm up
        return _fastest(session, feeds, budget_us, clock)
    except _FAULTS:
        return None


def _fastest(
    session: Session, feeds: Mapping[str, np.ndarray[Any, Any]], budget_us: int, clock: Clock
) -> int:
    began = clock()
    best = 0
    for _ in range(_MOST_RUNS):
        started = clock()
        session.run(feeds)
        took = max(1, clock() - started)
        best = min(best or took, took)
        if clock() - began > budget_us * 1000 * _SHARE:
            break
    return best


def _peaks(provider: str, best: Mapping[str, int]) -> Peaks:
    launch = best.get("launch", 0)
    products = 2 * LAYERS * SIDE**3
    rates = {
        dtype: products / (max(1, best[dtype] - launch) / 1e9)
        for dtype in ("float32", "int8", "float16")
        if dtype in best
    }
    peaks = Peaks(provider=provider, flops_per_s=rates, launch_ns=launch)
    if "copy" in best:
        peaks = replace(peaks, bytes_per_s=2 * COPIED_BYTES / (best["copy"] / 1e9))
    if "chain" in best and launch:
        peaks = replace(peaks, node_ns=max(1, (best["chain"] - launch) // (CHAIN - 1)))
    return peaks


def _products(dtype: str = "float32") -> onnx.ModelProto:
    """A chain of matrix products by weights, as networks have them."""
    nodes = [
        helper.make_node("MatMul", [f"t{layer}", f"w{layer}"], [f"t{layer + 1}"])
        for layer in range(LAYERS)
    ]
    weights = [_weights(f"w{layer}", np.dtype(dtype)) for layer in range(LAYERS)]
    return _model(nodes, (SIDE, SIDE), weights, dtype=dtype, last=f"t{LAYERS}")


def _quantised_products() -> onnx.ModelProto:
    """The same in int8, by the pairs of nodes that every provider reads as such."""
    nodes = [helper.make_node("QuantizeLinear", ["t0", "s", "zu"], ["q0"])]
    for layer in range(LAYERS):
        nodes += [
            helper.make_node("DequantizeLinear", [f"q{layer}", "s", "zu"], [f"d{layer}"]),
            helper.make_node("DequantizeLinear", [f"w{layer}", "s", "zi"], [f"f{layer}"]),
            helper.make_node("MatMul", [f"d{layer}", f"f{layer}"], [f"m{layer}"]),
            helper.make_node("QuantizeLinear", [f"m{layer}", "s", "zu"], [f"q{layer + 1}"]),
        ]
    nodes.append(helper.make_node("DequantizeLinear", [f"q{LAYERS}", "s", "zu"], ["y"]))
    values = [_weights(f"w{layer}", np.dtype("int8")) for layer in range(LAYERS)]
    values += [
        numpy_helper.from_array(np.array(0.02, dtype=np.float32), "s"),
        numpy_helper.from_array(np.array(128, dtype=np.uint8), "zu"),
        numpy_helper.from_array(np.array(0, dtype=np.int8), "zi"),
    ]
    return _model(nodes, (SIDE, SIDE), values, last="y")


def _copy() -> onnx.ModelProto:
    return _model([helper.make_node("Neg", ["t0"], ["t1"])], (COPIED_BYTES // 4,), last="t1")


def _chain(length: int) -> onnx.ModelProto:
    nodes = [helper.make_node("Sigmoid", [f"t{i}"], [f"t{i + 1}"]) for i in range(length)]
    return _model(nodes, (1,), last=f"t{length}")


def _weights(name: str, dtype: np.dtype[Any]) -> onnx.TensorProto:
    # Any values do that are neither zero nor denormal; random ones would take longer to draw.
    values = np.resize(np.arange(-60, 61, dtype=np.int8), (SIDE, SIDE))
    scaled = values if dtype.kind == "i" else values.astype(dtype) * dtype.type(0.001)
    return numpy_helper.from_array(scaled, name)


def _model(
    nodes: list[onnx.NodeProto],
    shape: tuple[int, ...],
    values: list[onnx.TensorProto] | None = None,
    *,
    dtype: str = "float32",
    last: str,
) -> onnx.ModelProto:
    kind = _FLOATS[dtype]
    # The input has a name of its own: the same for all, under any name that the chain gives it.
    for node in nodes:
        node.input[:] = ["x" if name == "t0" else name for name in node.input]
    graph = helper.make_graph(
        nodes,
        "peaks",
        [helper.make_tensor_value_info("x", kind, list(shape))],
        [helper.make_tensor_value_info(last, kind, list(shape))],
        values or [],
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
