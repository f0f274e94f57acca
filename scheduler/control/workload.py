"""A workload as the brain knows it: resolved, typed and checked by the API before it gets here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scheduler.model.messages import WorkKind


class Take(StrEnum):
    """The part of the producer's output that a stage takes."""

    WHOLE = "whole"  # the value as it is, also when it is a list
    ELEMENT = "element"  # item i of a list that one operation (or the caller) gave
    SAME_ITEM = "same_item"  # output of the i-th operation of a stage with the same fan-out
    GATHER = "gather"  # the list of what all operations of a fanned-out stage gave


@dataclass(frozen=True, slots=True, kw_only=True)
class StageInput:
    """One named input of a stage.

    Parameters
    ----------
    stage, output
        The producer and its output; an empty `stage` means the input `output` of the workload.
    """

    name: str
    stage: str
    output: str
    take: Take = Take.WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A node of the workload: a model or a function.

    Parameters
    ----------
    target
        Name of the model or function.
    fan_out
        ``stage.output`` (or the name of a workload input) of the list that the stage runs over, one
        operation per item; empty for a single operation. Stages with equal `fan_out` have equally
        many.
    expected_items
        Number of items to plan for before the list is there.
    output_bytes
        Estimated size of each output, for transfer costs.
    declared_us
        For a function: its declared duration.
    """

    name: str
    kind: WorkKind
    target: str
    digest: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[StageInput, ...] = ()
    outputs: tuple[str, ...] = ()
    fan_out: str = ""
    expected_items: int = 1
    output_bytes: dict[str, int] = field(default_factory=dict)
    declared_us: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """An immutable version of a workload.

    Parameters
    ----------
    stages
        In topological order.
    outputs
        Output name to ``(stage, output)``; that of a fanned-out stage is gathered into a list.
    """

    name: str
    version: int
    stages: tuple[Stage, ...]
    outputs: dict[str, tuple[str, str]]

    @property
    def key(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"
