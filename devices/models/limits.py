"""Limits on the size of a model file, and on the cost of checking it."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLimits:
    """Limits on a model file and on the child process that checks it.

    Parameters
    ----------
    max_bytes
        Size of the file; the format's own limit is 2 GiB.
    max_nodes
        Nodes, those of subgraphs and functions included.
    max_depth
        Subgraphs inside subgraphs.
    max_tensor_bytes
        Largest constant, by its declared shape.
    memory_bytes, cpu_s, wall_s
        Address space, processor time and wall time of the child.
    """

    max_bytes: int = 2048 * _MIB - 1
    max_nodes: int = 100_000
    max_depth: int = 16
    max_tensor_bytes: int = 2048 * _MIB - 1
    memory_bytes: int = 12 * 1024 * _MIB
    cpu_s: int = 120
    wall_s: float = 180.0
