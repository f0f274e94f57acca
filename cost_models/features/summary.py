"""A graph as far as predictions need it: kernels that are alike as one, and totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from cost_models.features.costs import GraphCost
from cost_models.features.kernels import REORDER, Kernel, kernels
from cost_models.features.vector import vector
from scheduler.model.measuring import Kind

VERSION = 1
"""Raised whenever the same graph gives other counts: counts kept before are made anew."""
_GROWING = (
    *("flops", "written_bytes", "input_bytes", "output_bytes", "peak_activation_bytes"),
    *("critical_path_flops", "flops_per_launch", "reorder_bytes"),
)
"""Features that grow with the inputs."""


class Lone(NamedTuple):
    """Operators as if each ran alone; all that are alike as one, see `OperatorCost`."""

    alike: int
    dtype: str
    flops: int
    read_bytes: int
    written_bytes: int
    runs: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Cost of a graph for inputs of given shapes. Small, and quick to read again.

    Parameters
    ----------
    features
        As `vector` gives them.
    is_scaled
        True if the counts are those of other sizes, see `scaled`.
    """

    features: Mapping[str, float]
    kernels: tuple[Kernel, ...]
    operators: tuple[Lone, ...]
    unknown: tuple[str, ...]
    kind: Kind
    is_scaled: bool = False

    @cached_property
    def groups(self) -> tuple[Kernel, ...]:
        """The kernels that are fused groups, without changes of layout."""
        return tuple(kernel for kernel in self.kernels if kernel.op_class != REORDER)

    @property
    def moved_bytes(self) -> float:
        """All reads and writes."""
        return self.features["read_bytes"] + self.features["written_bytes"]


def summarise(cost: GraphCost) -> Summary:
    """Reduce a graph's cost to the part that predictions need."""
    return Summary(
        features=vector(cost),
        kernels=kernels(cost),
        operators=tuple(_lone(cost)),
        unknown=cost.unknown,
        kind=cost.kind,
    )


def scaled(summary: Summary, factor: float) -> Summary:
    """Guess the cost for inputs of `factor` times as many elements.

    Arithmetic and activations grow as the inputs do, weights and the number of kernels stay. That
    holds for convolutions, and for products with weights; attention grows faster.
    """
    parts = tuple(_grown(kernel, factor) for kernel in summary.kernels)
    return replace(summary, features=_features(summary, factor), kernels=parts, is_scaled=True)


def _lone(cost: GraphCost) -> Iterator[Lone]:
    found = Counter(
        Lone(1, each.dtype, each.flops, each.read_bytes, each.written_bytes, each.runs)
        for each in cost.operators
    )
    return (lone._replace(alike=count) for lone, count in found.items())


def _grown(kernel: Kernel, factor: float) -> Kernel:
    weights = min(kernel.parameter_bytes, kernel.read_bytes)
    read = weights + round((kernel.read_bytes - weights) * factor)
    written = round(kernel.written_bytes * factor)
    traffic = (read + written) / max(1, kernel.read_bytes + kernel.written_bytes)
    return kernel._replace(
        flops=round(kernel.flops * factor),
        read_bytes=read,
        written_bytes=written,
        near_bytes=round(kernel.near_bytes * traffic),
        shared_bytes=round(kernel.shared_bytes * traffic),
        memory_bytes=round(kernel.memory_bytes * traffic),
        rows=round(kernel.rows * factor),
    )


def _features(summary: Summary, factor: float) -> dict[str, float]:
    found = dict(summary.features)
    found.update({name: found[name] * factor for name in _GROWING})
    weights = min(found["parameter_bytes"], found["read_bytes"])
    found["read_bytes"] = weights + (found["read_bytes"] - weights) * factor
    moved = found["read_bytes"] + found["written_bytes"]
    traffic = moved / max(1.0, summary.moved_bytes)
    for name in ("near_bytes", "shared_bytes", "memory_bytes", "bytes_per_launch"):
        found[name] *= traffic
    found["intensity"] = found["flops"] / max(1.0, moved)
    return found
