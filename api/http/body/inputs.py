"""Inputs of a run, held against those that its workload declares, and stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from api.http.body.values import LARGE_BYTES, broken
from api.http.errors import choices
from api.http.workloads.targets import type_of_info
from api.store.catalogue import TensorInfo, WorkloadRecord
from devices.functions.types import check_value
from devices.tensors import ArrayOrList, TensorStore, dtype_name
from scheduler.model.messages import Release, TensorRef, Value


def check_inputs(given: Mapping[str, ArrayOrList], declared: Iterable[TensorInfo]) -> None:
    """Refuse a run whose inputs are not those of its workload, in name, type or shape.

    Raises
    ------
    InvalidTensor
        With the field, the law and what came.
    """
    infos = {info.name: info for info in declared}
    for name in given:
        if name not in infos:
            law = "must be an input of the workload"
            raise broken(f"inputs.{name}", law, f"{name!r} ({choices(infos)})")
    for name, info in infos.items():
        kind = type_of_info(info)
        if name not in given:
            raise broken(f"inputs.{name}", f"must be given: {kind}", "nothing")
        check_value(kind, _as_declared(given[name], info), f"inputs.{name}")


def conform(given: Mapping[str, ArrayOrList], declared: Iterable[TensorInfo]) -> dict[str, Any]:
    """Check the inputs, and give them as the workload declares them."""
    infos = tuple(declared)
    check_inputs(given, infos)
    return {info.name: _as_declared(given[info.name], info) for info in infos}


async def store_inputs(
    tensors: TensorStore, run: str, given: Mapping[str, ArrayOrList], workload: WorkloadRecord
) -> dict[str, Value]:
    """Check the inputs of a run and store them, all or none."""
    checked = conform(given, workload.inputs)
    try:
        # Names of stages cannot start with a tilde, so no output has one of these keys.
        return {
            name: await _put(tensors, run, f"~{name}", value) for name, value in checked.items()
        }
    except BaseException:
        tensors.release(Release(run=run))
        raise


def described(given: Mapping[str, ArrayOrList], workload: WorkloadRecord) -> dict[str, Value]:
    """Describe the inputs of a dry run without storing them; none at all is allowed."""
    if not given:
        return {}
    return {
        name: Value(
            tensors=tuple(_described(array) for array in _as_list(value)),
            is_list=isinstance(value, list),
        )
        for name, value in conform(given, workload.inputs).items()
    }


def _as_declared(value: ArrayOrList, info: TensorInfo) -> ArrayOrList:
    # An archive of one array cannot say whether it is a list.
    return [value] if info.is_list and not isinstance(value, list) else value


async def _put(tensors: TensorStore, run: str, name: str, value: ArrayOrList) -> Value:
    if sum(array.nbytes for array in _as_list(value)) < LARGE_BYTES:
        return tensors.put(run, name, value)
    return await asyncio.to_thread(tensors.put, run, name, value)


def _described(array: Any) -> TensorRef:
    return TensorRef(dtype=dtype_name(array), shape=array.shape, size_bytes=array.nbytes)


def _as_list(value: ArrayOrList) -> list[Any]:
    return value if isinstance(value, list) else [value]
