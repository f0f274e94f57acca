"""What the brain shows of its predictions: what they stand on, and how good they have been."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.model.messages import WorkKind
from scheduler.model.ports import Contribution, Drift, OracleReport


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRow:
    """How good the predictions of one provenance on one machine have been. Counts of executions.

    Parameters
    ----------
    covered
        Took no longer than the p95 said.
    within_10, within_20
        Took what the p50 said, give or take 10 and 20 %.
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
    """One execution: what was said of it before it was sent, and what it took."""

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
    """What is predicted of a piece of work in one place, when nothing else goes on there.

    Parameters
    ----------
    name, digest
        Of the model or function; a function has no digest.
    load_us, load_provenance
        What making its session takes, and where that comes from.
    peak_bytes, resident_bytes
        What its session holds at most, and between runs; 0 where it was not measured.
    observed_us
        When it was last seen there; ``None`` if never.
    kind
        What it spends its time on.
    slowdowns
        What each kind of load would multiply the median by, one unit of each.
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
    """What it takes to bring tensors from one box to another, or to hand them on within one.

    Parameters
    ----------
    provenance
        ``measured``, also by transfers that were made, or ``assumed``.
    transfers
        Made by operations since the log begins.
    note
        Why it is not measured; empty if nothing is to be said.
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
    """One attempt to learn a better cost model from what was measured.

    Parameters
    ----------
    why
        What called for it.
    rows, families
        What was there to learn from.
    replaced
        Whether the new model took the place of the old one.
    detail
        What went wrong; empty if nothing did.
    champion, champion_loss, challenger_loss
        Who was in use, and how both did on families that neither has seen: less is better.
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
    """How far the service is with learning from what it measures.

    Parameters
    ----------
    state
        ``off``, ``waiting``, ``training``, or ``paused`` beside a critical run.
    detail
        What it waits for, or why it is off.
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
        What the shell around the brain makes of it.
    """

    at_us: int
    oracle: OracleReport
    accuracy: AccuracyReport
    known: tuple[KnownCost, ...] = ()
    links: tuple[KnownLink, ...] = ()
    learning: Learning = field(default_factory=Learning)
