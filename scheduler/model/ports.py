"""Ports: Protocols that the scheduler needs from others, bound to classes in ``api.wiring``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from scheduler.model.forms import Form
from scheduler.model.measuring import IDLE, Kind, Load
from scheduler.model.messages import MachineReport, Profile, WorkKind
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result


class Provenance(StrEnum):
    """Origin of a prediction, best first."""

    MEASURED = "measured"
    LEARNED = "learned"
    ROOFLINE = "roofline"
    DECLARED = "declared"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuery:
    """Question to an oracle: one piece of work on one provider of one machine.

    Parameters
    ----------
    shapes
        Input shapes, if they are known; empty otherwise.
    busy_machines
        Machines of the same box that are expected to be busy meanwhile.
    declared_us
        Duration declared by the author of a function; 0 if none was declared.
    load
        Expected load beside it, the work of the plan itself included.
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
    load: Load = IDLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """Part of the explanation of a predicted median, which it multiplies by a factor."""

    cause: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A distribution of durations, with its origin. Never a bare number, never 0.

    Parameters
    ----------
    load_us, load_provenance
        Time to make a session, with the excess of its first run, and the origin of that figure.
    peak_bytes, resident_bytes
        Memory of the session at its peak, and between runs; 0 if it was not measured.
    observations
        Number of executions that it rests on.
    p10_us
        The 10th percentile; 0 if unknown.
    observed_us
        Time of the latest execution there; ``None`` if there was none.
    kind
        Bottleneck of the work, which decides its effect on neighbours.
    energy_uj
        Energy of one run; ``None`` if it was not measured, which differs from 0.
    """

    p50_us: int
    p95_us: int
    load_us: int
    peak_bytes: int
    provenance: Provenance
    observations: int = 0
    p10_us: int = 0
    observed_us: int | None = None
    kind: Kind = Kind.UNKNOWN
    energy_uj: int | None = None
    load_provenance: Provenance = Provenance.ASSUMED
    resident_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A lasting change in the duration of work at a place; its distribution was widened.

    Parameters
    ----------
    work
        Name of the function, or digest of the model.
    factor
        New duration over old.
    """

    at_us: int
    work: str
    machine: str
    provider: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleReport:
    """Evidence behind an oracle's predictions.

    Parameters
    ----------
    pairs
        Number of measured pairs of work and place.
    observations
        Number of executions that it learned from.
    artifact
        Description of the learned model in force; empty if there is none.
    notes
        Notes for a person, one sentence each.
    drifts
        The latest changes, oldest first.
    """

    pairs: int = 0
    observations: int = 0
    artifact: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    drifts: tuple[Drift, ...] = ()


class DurationOracle(Protocol):
    """Predictor of durations that learns from measurements. Deterministic; reads no clock."""

    @property
    def forms(self) -> tuple[Form, ...]:
        """Forms in which the result of `learned` is stored, beside those of the brain's state."""
        ...

    def learned(self) -> object:
        """Everything that later predictions depend on, for a checkpoint; it must not be changed."""
        ...

    def resume(self, learned: Any) -> None:
        """Resume from the `learned` of another oracle; this one must know nothing yet."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Context for questions that no event asked: they leave no trace in the learned state."""
        ...

    def change_model(self, digest: str) -> None:
        """Predict by another learned model from now on; measurements stay.

        Parameters
        ----------
        digest
            Digest of the model; empty for none.
        """
        ...

    def predict(self, queries: Sequence[CostQuery]) -> list[Prediction | None]:
        """One prediction per query, in order; ``None`` if nothing at all is known yet."""
        ...

    def explain(self, query: CostQuery) -> tuple[Contribution, ...]:
        """Contributions to a prediction, the largest first."""
        ...

    def learn_machine(self, machine: MachineReport) -> None:
        """Learn of a machine, with the peak rates of its providers."""
        ...

    def learn_graph(self, digest: str, counts: str) -> None:
        """Learn that the graph of a model was counted.

        Parameters
        ----------
        counts
            SHA-256 of the counts; empty if the model is gone.
        """
        ...

    def learn_profile(self, profile: Profile, variant: str, at_us: int = 0) -> None:
        """Learn from the profile of a model on a machine."""
        ...

    def observe(
        self,
        query: CostQuery,
        duration_us: int,
        *,
        load: Load | None = None,
        at_us: int = 0,
        load_us: int = 0,
    ) -> None:
        """Learn from one measured execution.

        Parameters
        ----------
        query
            The earlier question, with the expected load; its p95 is compared with the truth.
        load
            The actual load; ``None`` if unknown.
        load_us
            Extra time of the execution to make its session; 0 if the session was there.
        """
        ...

    def report(self) -> OracleReport:
        """Report the evidence behind the predictions."""
        ...


class Solver(Protocol):
    """Function from a problem to a result, reproducible. The brain's view of the portfolio."""

    def __call__(self, problem: Problem, limits: Limits, seed: int) -> Result:
        """Solve within the limits; the same problem, limits and seed give the same result."""
        ...
