"""The work of a problem: jobs, their operations with the modes of each, and the edges."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Band(IntEnum):
    """Priority band. A lower number is strictly more urgent; bands never trade with each other."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    BACKGROUND = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request for an answer: a release, a due date, a deadline, a band and a weight.

    Parameters
    ----------
    release_us
        Earliest start of any of its operations.
    due_us
        Finishing later is penalised: ``weight`` per microsecond of tardiness.
    deadline_us
        Finishing later is infeasible.
    """

    id: str
    release_us: int = 0
    due_us: int | None = None
    deadline_us: int | None = None
    band: Band = Band.NORMAL
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Amount of a resource that a mode takes while it runs, or of a budget for good."""

    resource: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One way to run an operation: a machine, with duration, memory and energy there.

    Parameters
    ----------
    duration_us
        Median wall time with a warm session, in microseconds. At least 1. Makespan uses it.
    duration_p95_us
        The 95th percentile, at least `duration_us`; deadlines use it. ``None`` means the same.
    peak_bytes
        Most device memory held at any moment, weights included.
    energy_uj
        Energy of one execution, in microjoules.
    provider, variant
        Further identity of the mode; solvers ignore them.
    family, setup_us
        Family of the session that it needs, and the time to load it right before the operation if
        the machine lacks it. It is lacking if the previous operation there (or the machine's first
        session) is of another family or, on a machine that keeps setups, if all of them are. The
        machine does nothing else meanwhile, and does not begin before `Problem.now_us`; inputs need
        not be there yet.
    resident_bytes
        Memory of its machine that the session holds for as long as the schedule lasts, once per
        family; an operation without a family holds its own.
    demands
        Shares of resources, each named at most once.
    """

    machine: str
    duration_us: int
    duration_p95_us: int | None = None
    provider: str = ""
    variant: str = ""
    peak_bytes: int = 0
    energy_uj: int = 0
    family: str = ""
    setup_us: int = 0
    resident_bytes: int = 0
    demands: tuple[Demand, ...] = ()

    @property
    def p95_us(self) -> int:
        """The 95th percentile of the duration, in microseconds."""
        return self.duration_us if self.duration_p95_us is None else self.duration_p95_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """State of a started operation, which keeps its mode and its start.

    Parameters
    ----------
    mode
        Index of the mode it runs in.
    start_us, end_us
        Its begin and end, neither after `Problem.now_us`; no end while it runs. A running operation
        is expected to end at ``max(start_us + duration_us, Problem.now_us)``.
    """

    mode: int
    start_us: int
    end_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Smallest unit placed on one machine and never interrupted.

    Parameters
    ----------
    colocation
        Operations of the same non-empty group run on the same device.
    progress
        Set once the operation has started; it is then frozen.
    """

    id: str
    job: str
    modes: tuple[Mode, ...]
    colocation: str = ""
    progress: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Precedence from `source` to `target`, with the bytes that flow along it."""

    source: str
    target: str
    size_bytes: int = 0
