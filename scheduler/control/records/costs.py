"""Predictions as the brain shows them: their basis, and how good they have been."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.model.messages import WorkKind
from scheduler.model.ports import Contribution, Drift, OracleReport


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRow:
    """Quality of the predictions of one provenance on one machine. Counts of executions.

    Parameters
    ----------
    covered
        Took no longer than the p95 said.
    within_10, within_20
        Executions within 10 and 20 % of the p50.
    bias
        Geometric mean of actual over predicted: above 1, executions take longer than was said.
    """

    machine: str
    provenance: str
    count: int
    covered: int
    within_10: int
    within_20: int
    bias: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyPoint:
    """The same for all machines in one span of time that begins at `at_us`."""

    at_us: int
    count: int
    covered: int
    within_10: int
    within_20: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedActual:
    """One execution: its prediction before it was sent, and its duration."""

    at_us: int
    operation: str
    work: str
    machine: str
    provider: str
    provenance: str
    p50_us: int
    p95_us: int
    actual_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyReport:
    """Predicted against actual, live.

    Parameters
    ----------
    rows
        By machine and provenance, since the log begins.
    points
        Over time, oldest first.
    pairs
        The latest executions, oldest first.
    drifts
        The latest changes for good, oldest first.
    """

    at_us: int
    rows: tuple[AccuracyRow, ...] = ()
    points: tuple[AccuracyPoint, ...] = ()
    pairs: tuple[PredictedActual, ...] = ()
    drifts: tuple[Drift, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCost:
    """Predicted cost of a piece of work in one place, when nothing else goes on there.

    Parameters
    ----------
    name, digest
        Of the model or function; a function has no digest.
    load_us, load_provenance
        Time to make its session, and the origin of that figure.
    peak_bytes, resident_bytes
        Memory that its session holds at most, and between runs; 0 if it was not measured.
    observed_us
        Time at which it was last seen there; ``None`` if never.
    kind
        The kind of work that it spends its time on.
    slowdowns
        Factors on the median, one unit of each kind of load.
    """

    work: WorkKind
    name: str
    digest: str
    machine: str
    provider: str
    p10_us: int
    p50_us: int
    p95_us: int
    load_us: int
    load_provenance: str
    peak_bytes: int
    resident_bytes: int
    provenance: str
    observations: int
    observed_us: int | None
    kind: str
    slowdowns: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLink:
    """Cost of bringing tensors from one box to another, or of handing them on within one.

    Parameters
    ----------
    provenance
        ``measured``, also by transfers that were made, or ``assumed``.
    transfers
        Made by operations since the log begins.
    note
        The reason that it is not measured; empty if nothing is to be said.
    """

    source: str
    target: str
    latency_us: int
    bytes_per_s: int
    provenance: str
    transfers: int = 0
    observed_us: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One attempt to learn a better cost model from measurements.

    Parameters
    ----------
    why
        The cause of the training.
    rows, families
        Rows and families that were there to learn from.
    replaced
        True if the new model took the place of the old one.
    detail
        The error; empty if nothing went wrong.
    champion, champion_loss, challenger_loss
        The model in use, and the losses of both on families that neither has seen: less is better.
    held_out
        These families.
    digest
        Of the model in use since.
    """

    at_us: int
    took_s: float
    why: str
    rows: int
    families: int
    replaced: bool = False
    detail: str = ""
    champion: str = ""
    champion_loss: float | None = None
    challenger_loss: float | None = None
    held_out: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """Progress of the service in learning from its measurements.

    Parameters
    ----------
    state
        ``off``, ``waiting``, ``training``, or ``paused`` beside a critical run.
    detail
        The event that it waits for, or the reason that it is off.
    rows, new_rows
        Kept in the data folder, and of these since the last training.
    trainings
        The latest ones, oldest first.
    """

    state: str = "off"
    detail: str = ""
    rows: int = 0
    new_rows: int = 0
    trainings: tuple[Training, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport:
    """All that the brain knows of costs, at one moment.

    Parameters
    ----------
    learning
        Progress of learning, filled in by the shell around the brain.
    """

    at_us: int
    oracle: OracleReport
    accuracy: AccuracyReport
    known: tuple[KnownCost, ...] = ()
    links: tuple[KnownLink, ...] = ()
    learning: Learning = field(default_factory=Learning)
