"""Clusters of operations that are better off together, and machines for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel

Float = NDArray[np.float64]
Int = NDArray[np.int32]


@kernel
def dominant_sequences(
    order: Int, source_first: Int, source_op: Int, source_edge: Int, own: Float, edge: Float
) -> Int:
    """Cluster of each operation, numbered by its first operation.

    In the given order, each operation joins the cluster of the source with which it can start
    earliest, if that is earlier than alone.
    """
    n = len(own)
    cluster = np.empty(n, np.int32)
    end = np.zeros(n, np.float64)
    last = np.zeros(n, np.float64)
    for i in order:
        cluster[i] = i
        best = 0.0
        for e in range(source_first[i], source_first[i + 1]):
            best = max(best, end[source_op[e]] + edge[source_edge[e]])
        for e in range(source_first[i], source_first[i + 1]):
            home = cluster[source_op[e]]
            start = last[home]
            for f in range(source_first[i], source_first[i + 1]):
                s = source_op[f]
                away = edge[source_edge[f]] if cluster[s] != home else 0.0
                start = max(start, end[s] + away)
            if start < best:
                best = start
                cluster[i] = home
        end[i] = best + own[i]
        last[cluster[i]] = end[i]
    return cluster
