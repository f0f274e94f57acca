"""Requests to a process that times models, and its answers: a line of JSON each."""

from __future__ import annotations

import msgspec

from scheduler.model.measuring import Peaks


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Run a model several times; its session is made if it is not there.

    Parameters
    ----------
    repeats, budget_us
        Runs to make, and the time that they may take; three are made in any case.
    gap_us
        Rest before each run, as a machine that is not fully used has it.
    warm_us
        Time to run it for before anything is timed: a core that comes from other work needs some
        milliseconds to reach its pace.
    """

    path: str
    shapes: dict[str, tuple[int, ...]]
    repeats: int
    budget_us: int
    gap_us: int = 0
    warm_us: int = 0


class Spin(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Run a model over and over, until something else is asked; no answer of its own."""

    path: str
    shapes: dict[str, tuple[int, ...]]


class Forget(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Drop all sessions; no answer."""


class MeasurePeaks(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Measure the peaks of the provider."""

    budget_us: int


class Told(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Result of a measurement.

    Parameters
    ----------
    started_us
        Begin of the runs, by the monotonic clock of the box.
    pace_ns
        Median over the runs of the time of a fixed loop before each (`devices.sensing.pace`).
    load_us
        Time to make the session now, and the extra time of its first run; 0 if it was there.
    refusal
        Reason that nothing was measured; empty if something was.
    """

    samples_us: tuple[int, ...] = ()
    started_us: int = 0
    pace_ns: int = 0
    load_us: int = 0
    peak_bytes: int = 0
    refusal: str = ""


class PeaksTold(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Peaks of the provider."""

    peaks: Peaks


Request = Ask | Spin | Forget | MeasurePeaks
Answer = Told | PeaksTold
