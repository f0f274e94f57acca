"""What the scheduler needs from others, declared where it is needed and met in ``api.wiring``."""

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
        Machines of the same box that are expected to be busy meanwhile.
    declared_us
        What the author of a function said it takes; 0 if nothing was said.
    load
        What is expected to go on beside it, the work of the plan itself included.
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
    """Something that a predicted median is made of: it multiplies it by a factor."""

    cause: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A distribution of durations, with its origin. Never a bare number, never 0.

    Parameters
    ----------
    load_us, load_provenance
        Time to make a session, the slowness of its first run included, and where it comes from.
    peak_bytes, resident_bytes
        The memory that the session holds at most, and between runs; 0 where it was not measured.
    observations
        Executions that it rests on.
    p10_us
        One in ten is faster; 0 where nobody says.
    observed_us
        When the work was last seen there; ``None`` if never. Its age is the time since.
    kind
        What the work spends its time on, for those that run beside it.
    energy_uj
        Of one run; ``None`` where it was not measured, which is not 0.
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
    """A change for good in what work takes somewhere: the distribution was widened for it.

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
    """What an oracle stands on.

    Parameters
    ----------
    pairs
        Pieces of work in one place that it has measured.
    observations
        Executions that it learned from.
    artifact
        What is known of the learned model in force; empty if there is none.
    notes
        What a person should know, one sentence each.
    drifts
        The latest changes, oldest first.
    """

    pairs: int = 0
    observations: int = 0
    artifact: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    drifts: tuple[Drift, ...] = ()


class DurationOracle(Protocol):
    """Predicts durations and learns from what was measured. Deterministic; reads no clock."""

    @property
    def forms(self) -> tuple[Form, ...]:
        """How that which `learned` gives is stored, beside what a state consists of."""
        ...

    def learned(self) -> object:
        """All that later predictions depend on, for a checkpoint; it is not to be changed."""
        ...

    def resume(self, learned: Any) -> None:
        """Go on, knowing nothing so far, from what another oracle gave as `learned`."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Answer within this what no event asked: it leaves no trace in what is learned."""
        ...

    def change_model(self, digest: str) -> None:
        """Predict by another learned model from now on; what was measured stays.

        Parameters
        ----------
        digest
            Of the model; empty for none.
        """
        ...

    def predict(self, queries: Sequence[CostQuery]) -> list[Prediction | None]:
        """One prediction per query, in order; ``None`` where nothing at all is known yet."""
        ...

    def explain(self, query: CostQuery) -> tuple[Contribution, ...]:
        """What a prediction is made of, the largest contributions first."""
        ...

    def learn_machine(self, machine: MachineReport) -> None:
        """Take in a machine, with what its providers reach at most."""
        ...

    def learn_graph(self, digest: str, counts: str) -> None:
        """Take in that the graph of a model was counted.

        Parameters
        ----------
        counts
            SHA-256 of what was counted; empty if the model is gone.
        """
        ...

    def learn_profile(self, profile: Profile, variant: str, at_us: int = 0) -> None:
        """Take in the profile of a model on a machine."""
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
        """Take in one measured execution.

        Parameters
        ----------
        query
            What was asked before, with the load that was expected: its p95 is held to the truth.
        load
            What really went on; ``None`` if that is not known.
        load_us
            What the execution took longer because its session was made for it; 0 if it was there.
        """
        ...

    def report(self) -> OracleReport:
        """Say what the predictions stand on."""
        ...


class Solver(Protocol):
    """Anything that answers a problem with a result, reproducibly."""

    def __call__(self, problem: Problem, limits: Limits, seed: int) -> Result:
        """Solve within the limits; the same problem, limits and seed give the same result."""
        ...
