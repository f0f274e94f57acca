"""A site and its load, as they are to be simulated. Times are microseconds from the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.control.workload import Workload
from scheduler.model.messages import MachineReport
from scheduler.model.problem import Band


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A log-normal duration.

    Parameters
    ----------
    spread
        Standard deviation of its logarithm; 0 if it is always the same.
    """

    median_us: int
    spread: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Runs of one workload.

    Parameters
    ----------
    deadline_us
        From the arrival of each; ``None`` if nothing is late.
    drop_late
        True if a run ends at its deadline; otherwise it goes on, late.
    """

    workload: Workload
    arrivals_us: tuple[int, ...]
    band: Band = Band.NORMAL
    deadline_us: int | None = None
    drop_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A box that dies with everything on it, and may come back."""

    box: str
    at_us: int
    back_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """A stretch of time in which work that starts on a machine takes `factor` as long."""

    machine: str
    from_us: int
    until_us: int
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that a simulation depends on.

    Parameters
    ----------
    boxes
        Machines by box; each box has an agent of the same name.
    costs
        Durations by name of the function and id of the machine.
    """

    boxes: Mapping[str, tuple[MachineReport, ...]]
    traffic: tuple[Traffic, ...]
    costs: Mapping[tuple[str, str], Cost]
    lost: tuple[Lost, ...] = ()
    slow: tuple[Slow, ...] = ()
    seed: int = 0
