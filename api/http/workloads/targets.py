"""The models and functions that stages refer to, and the types that they bring along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.http.errors import choices
from api.http.schemas import StageSpec
from api.store.catalogue import ModelRecord, TensorInfo
from devices.functions.registry import Function
from devices.functions.types import stated_type
from fjord import TensorType
from scheduler.model.errors import InvalidWorkload
from scheduler.model.messages import WorkKind

MODEL_DECLARED_US = 1_000
"""Models are profiled; the declared duration of a stage is for functions only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Models that are there and functions that are registered: stages refer to these.

    Parameters
    ----------
    pieces
        Pieces of models: a stage runs in them if it names a partition.
    """

    models: Mapping[str, ModelRecord]
    pieces: Mapping[str, ModelRecord]
    functions: Mapping[str, Function]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The model or function that a stage runs."""

    kind: WorkKind
    name: str
    digest: str
    inputs: Mapping[str, TensorType]
    outputs: Mapping[str, TensorType]
    params: dict[str, Any]
    declared_us: int


def type_of_info(info: TensorInfo) -> TensorType:
    """The type of an input or output from its record."""
    return stated_type(info.dtype, info.shape, is_list=info.is_list)


def target_of(stage: StageSpec, where: str, targets: Targets) -> Target:
    """Find the one target of a stage.

    Raises
    ------
    InvalidWorkload
        If it names none, both, or one that is not there; or gives it params that it has not.
    """
    if (stage.model is None) == (stage.function is None):
        got = "neither" if stage.model is None else "both"
        raise InvalidWorkload(f"{where} must have a model or a function; got {got}", field=where)
    if stage.model is not None:
        return _model_target(stage.model, stage.params, where, targets.models)
    assert stage.function is not None
    return _function_target(stage.function, stage.params, where, targets.functions)


def _model_target(
    name: str, params: dict[str, Any], where: str, models: Mapping[str, ModelRecord]
) -> Target:
    if name not in models:
        law = f"{where}.model must name a model that was added"
        raise InvalidWorkload(f"{law}; got {name!r} ({choices(models)})", field=f"{where}.model")
    if params:
        law = f"{where}.params must be empty for a model"
        raise InvalidWorkload(f"{law}; got {sorted(params)}", field=f"{where}.params")
    record = models[name]
    return Target(
        kind=WorkKind.MODEL,
        name=name,
        digest=record.digest,
        inputs={info.name: type_of_info(info) for info in record.inputs},
        outputs={info.name: type_of_info(info) for info in record.outputs},
        params={},
        declared_us=MODEL_DECLARED_US,
    )


def _function_target(
    name: str, params: dict[str, Any], where: str, functions: Mapping[str, Function]
) -> Target:
    if name not in functions:
        law = f"{where}.function must name a registered function"
        got = f"got {name!r} ({choices(functions)})"
        raise InvalidWorkload(f"{law}; {got}", field=f"{where}.function")
    function = functions[name]
    checked = function.check_params(params, f"{where}.params")
    return Target(
        kind=WorkKind.FUNCTION,
        name=name,
        digest="",
        inputs=function.inputs,
        outputs=function.outputs,
        # Lists, not tuples: the kept value must be equal to the one that comes back from JSON.
        params={key: list(v) if isinstance(v, tuple) else v for key, v in checked.items()},
        declared_us=function.expected_us,
    )
