"""The plan in force, the machines that it reserves, and the question to the solver process."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.control.settings import BrainSettings
from scheduler.control.state.operations import LiveOperation
from scheduler.model.problem import Band, Problem


@dataclass(frozen=True, slots=True)
class Reservation:
    """A machine that is kept free for more urgent work which is expected. Times are absolute.

    Parameters
    ----------
    workload, band
        The workload and the band of the run that is expected.
    from_us
        Less urgent work has to be through by then, or begins after the run.
    until_us
        The reservation lapses then if the work has not come.
    is_window
        True if the plan would be another without the reservation.
    run, operation
        The run in flight and its expected operation; empty for the next run of a stream.
    """

    machine: str
    workload: str
    band: Band
    from_us: int
    until_us: int
    is_window: bool
    run: str = ""
    operation: str = ""


@dataclass(slots=True)
class LivePlan:
    """The plan in force.

    A plan stays in force for a while although operations took longer, or shorter, than it says:
    agents go on in its order whatever the times are, so nothing stands still meanwhile. Where
    operations take a millisecond, dozens end while one plan is made; each would make it obsolete.

    Parameters
    ----------
    planned
        Operations that it places and that have not started.
    queues
        Operations that can be sent or were sent, in order, per machine. An operation that may never
        exist, and the one that gathers it, is planned for but holds nobody up.
    end_us
        Predicted end of the plan; absolute.
    problem, origin_us
        The problem that it was made from, and the absolute time of that problem's origin.
    proven_us
        Absolute time before which no plan could end, by a solver's proof; 0 if there is none.
    left_out
        Number of pending operations beyond the horizon.
    made_us, stale_us
        Time at which it was made, and time from which it is to be made anew because something was
        off it; ``None`` while nothing was.
    is_makeshift
        True if some of it was put into an older plan, and the whole is still to be planned anew.
    reservations, enough_us
        Machines that are kept free for expected runs, and the time at which an operation has waited
        long enough for that.
    """

    version: int = 0
    source: str = ""
    end_us: int = 0
    problem: Problem | None = None
    origin_us: int = 0
    proven_us: int = 0
    left_out: int = 0
    made_us: int = 0
    stale_us: int | None = None
    is_makeshift: bool = False
    reservations: list[Reservation] = field(default_factory=list)
    enough_us: int | None = None
    planned: dict[str, LiveOperation] = field(default_factory=dict)
    queues: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, op: LiveOperation) -> None:
        """Take an operation out: it has started, or will not."""
        if self.planned.pop(op.id, None) is not None and op.placement is not None:
            queue = self.queues.get(op.placement.mode.machine, [])
            if op.id in queue:
                queue.remove(op.id)

    def note_off(self, settings: BrainSettings) -> None:
        """Have the plan made anew because something was off it, once it has had its time."""
        if self.planned and self.stale_us is None:
            self.stale_us = self.made_us + self._patience_us(settings)

    def is_stale(self, now_us: int) -> bool:
        """Tell if the plan is to be made anew by now."""
        return self.stale_us is not None and self.stale_us <= now_us and bool(self.planned)

    def least_us(self, settings: BrainSettings) -> int:
        """Shortest time that a plan stays in force: planning is not all that is to be done."""
        took_us = settings.planned_us * len(self.planned)
        return max(settings.late_floor_us, round(took_us / settings.planning_share))

    def _patience_us(self, settings: BrainSettings) -> int:
        # A share of the span of the plan: where little is left, a better order must come soon.
        share_us = round(settings.patience_share * max(0, self.end_us - self.made_us))
        return min(settings.patience_us, max(self.least_us(settings), share_us))


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A question to the solver process that waits for its answer.

    Parameters
    ----------
    end_us
        Predicted end of the plan that was in force; absolute.
    """

    version: int
    at_us: int
    origin_us: int
    problem: Problem
    end_us: int = 0
