"""The parts that a duration is made of, in microseconds: what the physical base adds up.

Each term is work over a measured peak of the machine: a kind of arithmetic over its flops per
second, a kind of traffic over its bandwidth, a kind of launch times what a node costs. The base
weighs them, and a weight says how far that kind of work stays below the peak. Sums carry over to
networks never seen, because they consist of the same parts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cost_models.features.costs import OperatorClass
from cost_models.learned.query import Query
from cost_models.roofline import (
    ASSUMED_BYTES_PER_S,
    ASSUMED_LAUNCH_NS,
    ASSUMED_NODE_NS,
    peak_flops_per_s,
)
from scheduler.model.measuring import Peaks

_US = 1e6
_NS_PER_US = 1e3
_CLASSES = tuple(str(each) for each in OperatorClass if each is not OperatorClass.FREE)
_WINDOWS = (
    "conv_pointwise",
    "conv_3x3",
    "conv_wide",
    "conv_depthwise",
    "conv_grouped",
    "conv_strided",
    "conv_transposed",
    "matmul_one_row",
    "channels_unaligned",
)
_ARITHMETIC = tuple(f"{name}_flops_share" for name in (*_CLASSES, *_WINDOWS))
_TRAFFIC = tuple(f"{name}_bytes_share" for name in _CLASSES)
_CACHES = ("near_bytes", "shared_bytes", "memory_bytes", "parameter_bytes")
_LAUNCHES = tuple(f"{name}_launches" for name in _CLASSES)
_DTYPES = (("half_flops_share", "float16"), ("int8_flops_share", "int8"))

ROOFLINE = "roofline"
TERMS = (ROOFLINE, "launch", *_ARITHMETIC, *_TRAFFIC, *_CACHES, *_LAUNCHES)


def terms_us(query: Query) -> NDArray[np.float64]:
    """All terms of a run, in the order of `TERMS`."""
    graph, peaks = query.graph, query.peaks or Peaks(provider=query.provider)
    flops_us = graph.get("flops", 0.0) * us_per_flop(query)
    byte_us = _US / (peaks.bytes_per_s or ASSUMED_BYTES_PER_S)
    traffic_us = (graph.get("read_bytes", 0.0) + graph.get("written_bytes", 0.0)) * byte_us
    node_us = (peaks.node_ns or ASSUMED_NODE_NS) / _NS_PER_US
    launch_us = (peaks.launch_ns or ASSUMED_LAUNCH_NS) / _NS_PER_US
    nodes_us = graph.get("launches", 0.0) * node_us
    prior_us = query.roofline_us or max(flops_us, traffic_us) + nodes_us + launch_us
    return np.array(
        [
            prior_us,
            launch_us,
            *(flops_us * graph.get(name, 0.0) for name in _ARITHMETIC),
            *(traffic_us * graph.get(name, 0.0) for name in _TRAFFIC),
            *(byte_us * graph.get(name, 0.0) for name in _CACHES),
            *(node_us * graph.get(name, 0.0) for name in _LAUNCHES),
        ]
    )


def us_per_flop(query: Query) -> float:
    """Mean time of an operation at the peak, over the data types of the graph."""
    peaks = query.peaks or Peaks(provider=query.provider)
    shares = [(query.graph.get(name, 0.0), dtype) for name, dtype in _DTYPES]
    rest = max(0.0, 1.0 - sum(share for share, _ in shares))
    weighed = [*shares, (rest, "float32")]
    return _US * sum(share / peak_flops_per_s(peaks, dtype) for share, dtype in weighed)
