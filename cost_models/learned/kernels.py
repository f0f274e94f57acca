"""Columns of a kernel for the base: the least time that physics allows, and reasons for more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cost_models.features.costs import NEAR_BYTES, OperatorClass
from cost_models.features.kernels import REORDER, Kernel
from cost_models.features.origins import INPUT
from cost_models.learned.query import Query
from cost_models.roofline import ASSUMED_LAUNCH_NS, part_us
from scheduler.model.measuring import Load, Peaks

_LAUNCH, _ENTRY, _EXIT, _WAKE = "launch", "entry", "exit", "wake"
_CLASSES = (*map(str, OperatorClass), REORDER, _LAUNCH, _ENTRY, _EXIT, _WAKE)
_ORIGINS = (*map(str, OperatorClass), INPUT)
_TYPES = (
    *("Relu", "Sigmoid", "HardSwish", "HardSigmoid", "Exp", "Tanh", "Erf", "Clip", "Sqrt", "Pow"),
    *("Add", "Mul", "Sub", "Div", "Cast", "Where", "Transpose", "Concat", "Slice", "Gather"),
    *("Split", "Pad", "Expand", "Resize", "Softmax", "LayerNormalization", "BatchNormalization"),
    *("ReduceMean", "GlobalAveragePool", "MaxPool", "AveragePool", "ArgMax", "LSTM", "GRU"),
    *("MatMul", "Gemm", "MatMulInteger", "Conv"),
    *("LRN", "ReduceSum", "GlobalMaxPool", "ConvTranspose", "Equal", "If", "Reshape", "Shape"),
)
"""Types that kernels of a class differ by; trees split the list, so neighbours are alike."""
_START = Kernel(1, _LAUNCH, _LAUNCH, "float32", 0, 0, 0, 0)
_DTYPES = {"float32": 0, "float16": 1, "bfloat16": 1, "int8": 2, "uint8": 2}
RESTS_US = (0, 500, 2_000, 10_000, 40_000)
"""Rests before a run that are told apart, each from half its length on; after one, a run takes
longer by the time of waking."""
_WAKE_US = 200.0
"""Part of waking that does not depend on the graph."""
_ALIGNMENT = 16
_LEAST_US = 0.2
"""Least time of a kernel: providers that compile the graph measure next to nothing per node."""
_NS_PER_US = 1e3

_COLUMNS: dict[str, Callable[[Kernel], float]] = {
    "class": lambda k: float(_CLASSES.index(k.op_class)),
    "type": lambda k: float(_TYPES.index(k.op_type)) if k.op_type in _TYPES else -1.0,
    "dtype": lambda k: float(_DTYPES.get(k.dtype, 3)),
    "log_flops": lambda k: math.log1p(k.flops / k.runs),
    "log_read": lambda k: math.log1p(k.read_bytes / k.runs),
    "log_written": lambda k: math.log1p(k.written_bytes / k.runs),
    "log_parameters": lambda k: math.log1p(k.parameter_bytes / k.runs),
    "log_intensity": lambda k: math.log((k.flops + 1) / (_traffic(k) + 1)),
    "near_share": lambda k: k.near_bytes / max(1, _traffic(k)),
    "memory_share": lambda k: k.memory_bytes / max(1, _traffic(k)),
    "operators": lambda k: float(k.operators),
    "log_launches": lambda k: math.log(k.alike * k.runs),
    "log_channels_in": lambda k: math.log1p(k.channels_in),
    "log_channels_out": lambda k: math.log1p(k.channels_out),
    "log_channels_per_group": lambda k: math.log1p(k.channels_in / max(1, k.groups)),
    "log_rows": lambda k: math.log1p(k.rows),
    "log_steps": lambda k: math.log(max(1, k.steps)),
    "window": lambda k: float(k.kernel_height * k.kernel_width),
    "window_side": lambda k: float(max(k.kernel_height, k.kernel_width)),
    "stride": lambda k: float(k.stride),
    "groups": lambda k: float(k.groups),
    "is_depthwise": lambda k: float(1 < k.groups == k.channels_in),
    "is_aligned_in": lambda k: float(k.channels_in % _ALIGNMENT == 0),
    "is_aligned_out": lambda k: float(k.channels_out % _ALIGNMENT == 0),
    "is_transposed": lambda k: float(k.is_transposed),
    "log_stretch": lambda k: math.log1p(k.stretch),
    "log_items": lambda k: math.log(max(1, k.items)),
    "log_rows_per_item": lambda k: math.log1p(k.rows / max(1, k.items)),
    "origin": lambda k: float(_ORIGINS.index(k.origin)) if k.origin in _ORIGINS else -1.0,
    "chained": lambda k: float(k.chained),
    "is_blocked": lambda k: float(k.is_blocked),
}


@dataclass(frozen=True, slots=True)
class Table:
    """The kernels of a graph on a machine, and the launch of the graph as one more.

    Parameters
    ----------
    columns
        ``(kernels, columns)``, as `columns_of` names them.
    least_us
        Time of each at the peaks of the machine; above 0.
    """

    columns: NDArray[np.float32]
    least_us: NDArray[np.float64]


def columns_of(providers: Sequence[str]) -> tuple[str, ...]:
    """Names of all columns, in order, of a base that knows these providers."""
    return (*_COLUMNS, "threads", *(f"on_{provider}" for provider in providers))


def table(query: Query, providers: Sequence[str]) -> Table:
    """Rows of a graph on a machine for the base, after the rest that its load tells of."""
    peaks = query.peaks or Peaks(provider=query.provider)
    parts = (*_ends(query), *query.kernels)
    launch_us = (peaks.launch_ns or ASSUMED_LAUNCH_NS) / _NS_PER_US
    least_us = [launch_us, *(_least_us(kernel, peaks) for kernel in parts)]
    step = rest_of(query.load)
    woken = [_wake(query, RESTS_US[step])] if step else []
    least_us += [_WAKE_US + _least_us(kernel, peaks) for kernel in woken]
    return _table((_START, *parts, *woken), least_us, query, providers)


def wakes(query: Query, providers: Sequence[str]) -> list[Table]:
    """Rows that each rest but the first adds to a run of a graph on a machine."""
    peaks = query.peaks or Peaks(provider=query.provider)
    parts = [_wake(query, rest_us) for rest_us in RESTS_US[1:]]
    return [_table([part], [_WAKE_US + _least_us(part, peaks)], query, providers) for part in parts]


def rest_of(load: Load) -> int:
    """Place of the rest before a run in `RESTS_US`."""
    return sum(2 * load.idle_us >= rest_us for rest_us in RESTS_US[1:])


def _table(
    parts: Sequence[Kernel], least_us: Sequence[float], query: Query, providers: Sequence[str]
) -> Table:
    place = [float(query.threads), *(float(query.provider == name) for name in providers)]
    columns = [[*_seen(kernel), *place] for kernel in parts]
    return Table(np.array(columns, dtype=np.float32), np.array(least_us, dtype=np.float64))


def _wake(query: Query, rest_us: int) -> Kernel:
    """A rest: its length, and the data that caches may have lost meanwhile."""
    held = query.graph.get("parameter_bytes", 0.0) + query.graph.get("peak_activation_bytes", 0.0)
    lost = min(int(held), NEAR_BYTES)
    return Kernel(1, _WAKE, _WAKE, "float32", 0, int(held), 0, 0, memory_bytes=lost, rows=rest_us)


def _ends(query: Query) -> Iterator[Kernel]:
    """Inputs and outputs of the graph: compiling providers change their layout and type."""
    for end, name in ((_ENTRY, "input_bytes"), (_EXIT, "output_bytes")):
        size = int(query.graph.get(name, 0.0))
        near, memory = (size, 0) if size <= NEAR_BYTES else (0, size)
        yield Kernel(1, end, end, "float32", 0, size, 0, near, memory_bytes=memory)


@lru_cache(maxsize=1 << 16)
def _seen(kernel: Kernel) -> tuple[float, ...]:
    return tuple(column(kernel) for column in _COLUMNS.values())


def _least_us(kernel: Kernel, peaks: Peaks) -> float:
    return kernel.alike * (part_us(kernel, peaks) + kernel.runs * _LEAST_US)


def _traffic(kernel: Kernel) -> int:
    return kernel.read_bytes + kernel.written_bytes
