"""What the scheduler needs from others, declared where it is needed and met in ``api.wiring``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from scheduler.model.messages import Profile, WorkKind
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result


class Provenance(StrEnum):
    """Where a prediction comes from, best first."""

    MEASURED = "measured"
    LEARNED = "learned"
    ROOFLINE = "roofline"
    DECLARED = "declared"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuery:
    """What is to be predicted: one piece of work on one provider of one machine.

    Parameters
    ----------
    shapes
        Input shapes where they are known; empty otherwise.
    busy_machines
        Machines of the same box that are expected to be busy meanwhile: the load.
    declared_us
        What the author of a function said it takes; 0 if nothing was said.
    """

    kind: WorkKind
    name: str
    digest: str
    variant: str
    machine: str
    provider: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    busy_machines: int = 0
    declared_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A distribution of durations, with its origin. Never a bare number, never 0."""

    p50_us: int
    p95_us: int
    load_us: int
    peak_bytes: int
    provenance: Provenance
    observations: int = 0


class DurationOracle(Protocol):
    """Predicts durations and learns from what was measured. Deterministic; reads no clock."""

    def predict(self, queries: Sequence[CostQuery]) -> list[Prediction | None]:
        """One prediction per query, in order; ``None`` where nothing at all is known yet."""
        ...

    def learn_profile(self, profile: Profile, variant: str) -> None:
        """Take in the profile of a model on a machine."""
        ...

    def observe(self, query: CostQuery, duration_us: int) -> None:
        """Take in one measured execution."""
        ...


class Solver(Protocol):
    """Anything that answers a problem with a result, reproducibly."""

    def __call__(self, problem: Problem, limits: Limits, seed: int) -> Result:
        """Solve within the limits; the same problem, limits and seed give the same result."""
        ...
