"""Columns that the trees see: the shares of the work, and the load beside it.

The trees correct the base by a factor, so they see shares and logarithms, not totals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.query import Query
from scheduler.model.measuring import Kind, Load

WORK = (
    "log_base_us",
    "log_us_per_launch",
    "arithmetic_share",
    "near_share",
    "memory_share",
    "log_working_bytes",
    "threads",
)
"""Columns that stay the same as long as graph and machine do."""

LOAD: dict[str, int] = {
    "compute_neighbours": 1,
    "memory_neighbours": 1,
    "other_neighbours": 1,
    "same_provider_neighbours": 0,
    "neighbour_cores": 1,
    "utilisation": 0,
    "queue": 0,
    "foreign": 1,
    "contention": 1,
    "run_queue": 1,
    "memory_pressure": 1,
    "memory_used": 0,
    "frequency": -1,
    "throttled": 1,
    "log_idle_us": 0,
    "is_cold": 1,
}
"""Columns of the load; 1 if more of it can only slow a run down, -1 if only speed it up."""


def columns_of(providers: Sequence[str]) -> tuple[str, ...]:
    """Names of all columns, in order, of a model that knows these providers."""
    return (*WORK, *(f"on_{provider}" for provider in providers), *LOAD)


def directions(names: Sequence[str]) -> list[int]:
    """Direction of the duration when a column grows, by physics: 1, -1, or 0 for either."""
    return [LOAD.get(name, 0) for name in names]


def work_columns(query: Query, base_us: float, providers: Sequence[str]) -> NDArray[np.float32]:
    """Columns of `WORK` and of the providers."""
    graph = query.graph
    traffic = sum(graph.get(f"{place}_bytes", 0.0) for place in ("near", "shared", "memory"))
    arithmetic = graph.get("flops", 0.0)
    working = graph.get("peak_activation_bytes", 0.0) + graph.get("parameter_bytes", 0.0)
    values = [
        math.log(base_us),
        math.log(base_us / max(1.0, graph.get("launches", 1.0))),
        arithmetic / max(1.0, arithmetic + 8.0 * traffic),
        graph.get("near_bytes", 0.0) / max(1.0, traffic),
        graph.get("memory_bytes", 0.0) / max(1.0, traffic),
        math.log1p(working),
        float(query.threads),
        *(float(query.provider == provider) for provider in providers),
    ]
    return np.array(values, dtype=np.float32)


def load_columns(load: Load, provider: str) -> list[float]:
    """Columns of `LOAD` for a run on a provider."""
    kinds = [neighbour.kind for neighbour in load.neighbours]
    compute, memory = kinds.count(Kind.COMPUTE), kinds.count(Kind.MEMORY)
    return [
        float(compute),
        float(memory),
        float(len(kinds) - compute - memory),
        float(sum(neighbour.provider == provider for neighbour in load.neighbours)),
        float(sum(neighbour.cores for neighbour in load.neighbours)),
        load.utilisation,
        float(load.queue),
        load.foreign,
        load.contention,
        load.run_queue,
        load.memory_pressure,
        load.memory_used,
        load.frequency,
        float(load.throttled),
        math.log1p(load.idle_us),
        float(load.is_cold),
    ]
