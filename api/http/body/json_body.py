"""A submission as one body of JSON. Little else is loaded here: a process of its own reads so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json as from_json_text

from api.http.body.values import from_json
from api.http.errors import from_validation
from api.http.parsing import parsing
from api.http.schemas import RunRequest, RunSettings
from devices.tensors import ArrayOrList
from scheduler.model.errors import InvalidInput

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Submission:
    """The inputs of a run that a caller wants, and its settings."""

    settings: RunSettings
    inputs: Mapping[str, ArrayOrList]


def from_json_body(body: bytes) -> Submission:
    """Read a submission that is one body of JSON.

    Raises
    ------
    InvalidInput
        With the field, the law and what came.
    """
    request = parse(RunRequest, body or b"{}")
    inputs = {name: from_json(value, f"inputs.{name}") for name, value in request.inputs.items()}
    # The settings alone: the inputs as they came are many times as large as the arrays.
    given = {name: getattr(request, name) for name in RunSettings.model_fields}
    return Submission(RunSettings.model_construct(**given), inputs)


def parse(model: type[M], data: Any, where: str = "") -> M:
    """Read a model from JSON bytes or from plain values; `InvalidInput` names the fault."""
    if isinstance(data, bytes | bytearray):
        with parsing(f"{where or 'the body'} must be JSON", field=where):
            data = from_json_text(bytes(data))
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problem = from_validation(error.errors())
        field = f"{where}.{problem.field}".strip(".")
        raise InvalidInput(problem.detail, field=field) from None
