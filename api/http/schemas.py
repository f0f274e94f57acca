"""Bodies that callers send. Types are checked here, fields against each other in `mapping`."""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Names of models, workloads, runs' outputs and agents."""
PLAIN_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
"""Names of stages and inputs: without dots, because references are split at the first one."""

MAX_STAGES = 1_000
MAX_DIMENSIONS = 32
MAX_WEIGHT = 1_000
MAX_QUEUED = 1_000_000_000
# A year: far beyond any deadline that means something, and far below where microseconds overflow.
MAX_MS = 366 * 24 * 3600 * 1000


def _plain_number(value: object) -> object:
    """Keep JSON's true and false from passing as 1 and 0, and name NaN before it is compared."""
    if isinstance(value, bool):
        raise ValueError("a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a finite number")
    return value


def _dimension(value: object) -> int | str:
    """Check a size or a name for one; as one rule, so that an error is about one thing."""
    is_size = isinstance(value, int) and not isinstance(value, bool) and value >= -1
    if is_size or (isinstance(value, str) and re.match(PLAIN_NAME, value)):
        return cast(int | str, value)
    raise ValueError("a size >= -1 or a name")


def _tensor_kind(value: object) -> str:
    return "<list>" if isinstance(value, list) else "<one>"


Name = Annotated[str, StringConstraints(pattern=NAME)]
PlainName = Annotated[str, StringConstraints(pattern=PLAIN_NAME)]
Milliseconds = Annotated[
    float,
    BeforeValidator(_plain_number),
    Field(gt=0, le=MAX_MS, description="Milliseconds from now."),
]
Dimension = Annotated[
    int | str,
    PlainValidator(_dimension),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": -1}, {"type": "string"}]}),
]


class Strict(BaseModel):
    """A request body: a field that is not known is refused, for it is a typo."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TensorSpec(Strict):
    """Type of an input of a workload."""

    dtype: str = Field(description="NumPy name of the element type, or `string`.")
    shape: list[Dimension] | None = Field(
        default=None,
        max_length=MAX_DIMENSIONS,
        description="-1 or a name where a size is not known before the run; null for any rank.",
    )
    is_list: bool = Field(default=False, description="A list of such tensors.")


class PartitionSpec(Strict):
    """The partition of a model that is asked for: exactly one of its fields is given."""

    pieces: int | None = Field(
        default=None, ge=2, le=6, description="Pieces, the longest as short as can be."
    )
    preemptible_within_ms: float | None = Field(
        default=None,
        gt=0,
        le=MAX_MS,
        description="Longest time of a piece on a core, with as few pieces as do.",
    )
    cuts: list[Annotated[list[str], Field(min_length=1)]] | None = Field(
        default=None,
        min_length=1,
        max_length=5,
        description="Per cut, in order, the names of all tensors that cross it.",
    )
    provider: str | None = Field(
        default=None,
        min_length=1,
        description="Provider that refuses the whole model: it gets the pieces that it runs right.",
    )


class StageSpec(Strict):
    """One stage of a workload: a model or a function."""

    name: PlainName
    model: Name | None = None
    function: str | None = None
    inputs: dict[str, str] = Field(
        default_factory=dict,
        description="Input of the target to reference: `input` or `stage.output`.",
    )
    params: dict[str, Any] = Field(default_factory=dict)
    partition: str | None = Field(
        default=None, description="Id of a partition of the model: the stage runs in its pieces."
    )
    pieces: int | None = Field(
        default=None,
        ge=2,
        le=6,
        description="Number of pieces to run in, by the partition with the shortest longest one.",
    )
    for_each: str | None = Field(
        default=None, description="Reference to a list: the stage runs once per item."
    )
    expected_items: int | None = Field(
        default=None, ge=1, le=10_000, description="Number of items to plan for; 4 by default."
    )


class WorkloadSpec(Strict):
    """A workload: a graph of stages."""

    name: Name
    inputs: dict[PlainName, TensorSpec] = Field(default_factory=dict)
    stages: list[StageSpec] = Field(min_length=1, max_length=MAX_STAGES)
    outputs: dict[Name, str] = Field(min_length=1)
    max_queued: int | None = Field(
        default=None,
        ge=1,
        le=MAX_QUEUED,
        description="Runs of it that may be waiting or running; more are answered 429.",
    )


class JsonTensor(Strict):
    """A tensor in JSON: `data` is flat or nested, in row-major order."""

    dtype: str
    shape: list[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, max_length=MAX_DIMENSIONS, description="Left out: that of nested data."
    )
    data: Any = Field(description="A list, flat or nested, or a single value.")


Tensors = Annotated[
    Annotated[JsonTensor, Tag("<one>")] | Annotated[list[JsonTensor], Tag("<list>")],
    Discriminator(_tensor_kind),
]


class Priority(StrEnum):
    """A higher band takes the next free slot, always."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    BACKGROUND = "background"


class RunSettings(Strict):
    """The settings of a run."""

    priority: Priority = Priority.NORMAL
    weight: int = Field(default=1, ge=1, le=MAX_WEIGHT, description="Weight inside the band.")
    deadline_ms: Milliseconds | None = None
    due_ms: Milliseconds | None = None
    on_late: Literal["drop", "run"] = Field(
        default="drop",
        description="Fate of a run that missed its deadline: it is dropped, or goes on.",
    )
    allow: tuple[str, ...] = Field(
        default=(), description="Shell patterns over machine and machine:provider; empty: all."
    )
    forbid: tuple[str, ...] = ()


class RunRequest(RunSettings):
    """A run with its inputs in JSON."""

    inputs: dict[str, Tensors] = Field(default_factory=dict)


ProfileShapes = dict[str, tuple[Annotated[int, Field(ge=1, strict=True)], ...]]
"""Input shapes to profile a model with, all dimensions bound."""


class ProfileRequest(Strict):
    """The settings of a new measurement of a model."""

    machines: list[str] = Field(
        default_factory=list,
        max_length=1_000,
        description="Shell patterns over machines; all that are usable by default.",
    )
    shapes: ProfileShapes = Field(
        default_factory=dict,
        description="Input shapes; by default those that the model is always measured with.",
    )
    operators: bool = Field(default=False, description="True to measure each operator too.")


class PolicySpec(Strict):
    """The rules by which work is placed."""

    placement: str = Field(description="Name of the heuristic that places at once.")
    improve: bool = Field(
        default=True, description="True if a solver process may propose better plans."
    )


class AgentJoin(Strict):
    """An agent that asks where the store is."""

    agent: Name
    box: str = Field(min_length=1, max_length=255)
    version: str = ""


class SessionRequest(Strict):
    """A token that a browser wants to keep as a cookie."""

    token: str
