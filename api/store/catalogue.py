"""Records of models and workloads that the service keeps; the brain is told less."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scheduler.control.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """Name and type of an input or an output.

    Parameters
    ----------
    dtype
        NumPy name, or ``string``.
    shape
        A name or -1 stands for a dimension that is not known; ``None`` for any rank.
    is_list
        True for a list of such tensors.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None = None
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """An accepted model. Its file lies under its digest.

    Parameters
    ----------
    digest
        SHA-256 of the file in hex.
    profile_shapes
        Input shapes that it is profiled with, all dimensions bound.
    """

    name: str
    digest: str
    size_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    created_us: int
    profile_shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRecord:
    """An accepted version of a workload. Versions count from 1 and never change.

    Parameters
    ----------
    request
        The body that was posted.
    workload
        The workload as the brain was told it.
    inputs
        Types of the inputs of its runs.
    max_queued
        Runs of it, of all versions, that may be accepted and not ended; ``None`` for any number.
    """

    name: str
    version: int
    request: dict[str, Any]
    workload: Workload
    inputs: tuple[TensorInfo, ...]
    created_us: int
    max_queued: int | None = None

    @property
    def key(self) -> str:
        """``name@version``."""
        return self.workload.key
