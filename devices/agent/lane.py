"""One machine, as the agent's state sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.model.messages import Dispatch, FailureReason, MachineReport, Value, WorkKind

Identity = tuple[str, int]
PYTHON = "python"


@dataclass(slots=True)
class Entry:
    """An operation that waits for its turn.

    Parameters
    ----------
    inputs
        All of them, inline or on this box; ``None`` while one is missing.
    is_fetching
        Whether they are under way from other boxes.
    """

    dispatch: Dispatch
    inputs: dict[str, Value] | None = None
    is_fetching: bool = False

    @property
    def identity(self) -> Identity:
        """Operation and attempt."""
        return self.dispatch.operation, self.dispatch.attempt

    @property
    def needs_model(self) -> bool:
        """Whether a model's file must be here before it starts."""
        return self.dispatch.work.kind is not WorkKind.FUNCTION


@dataclass(slots=True)
class Running:
    """The operation that the worker executes.

    Parameters
    ----------
    kill_at_us
        When the worker is ended if it still runs; ``None`` for never.
    ending
        Why it is being stopped; the reason that its failure will have.
    is_killed
        Whether the worker is being ended: its death will tell.
    """

    dispatch: Dispatch
    started_us: int
    kill_at_us: int | None
    ending: FailureReason | None = None
    is_killed: bool = False

    @property
    def identity(self) -> Identity:
        """Operation and attempt."""
        return self.dispatch.operation, self.dispatch.attempt

    @property
    def expected_end_us(self) -> int:
        """When it should be done."""
        return self.started_us + self.dispatch.expected_us


@dataclass(slots=True)
class Lane:
    """A machine's queue and its worker.

    Parameters
    ----------
    is_ready
        Whether the worker is alive and set up.
    is_down
        Whether the brain was told that the machine is down.
    warmed
        Digest and provider of the last session that was asked for ahead of time.
    """

    report: MachineReport
    is_ready: bool = False
    is_down: bool = False
    queue: list[Entry] = field(default_factory=list)
    running: Running | None = None
    warmed: tuple[str, str] = ("", "")

    def terminates(self, provider: str) -> bool:
        """Whether a running inference of this provider can be stopped."""
        return any(p.provider == provider and p.terminates for p in self.report.providers)
