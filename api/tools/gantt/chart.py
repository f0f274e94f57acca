"""What a picture of a schedule shows, in the words and times of whoever looks at it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An operation on its machine.

    Parameters
    ----------
    row
        Position in `Chart.rows`.
    label
        Short name, written on the block where there is room.
    setup
        How long the machine was made ready right before the start.
    """

    row: int
    job: str
    label: str
    start: float
    end: float
    setup: float = 0
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartTransfer:
    """Data on its way to the machine of a row, for as long as that takes."""

    row: int
    job: str
    start: float
    end: float
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When a job must have ended, in the row where its last operation runs."""

    row: int
    job: str
    at: float
    missed: bool
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A schedule as it is to be drawn.

    Parameters
    ----------
    title, notes
        What stands above: the problem, and what is known about the schedule.
    rows
        Names of the machines, from top to bottom.
    unit
        What the times count, empty if nobody said.
    """

    title: str
    notes: str
    rows: tuple[str, ...]
    blocks: tuple[Block, ...]
    transfers: tuple[ChartTransfer, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    unit: str = ""

    @property
    def end(self) -> float:
        """When the last block ends."""
        return max((block.end for block in self.blocks), default=0.0)

    @property
    def jobs(self) -> tuple[str, ...]:
        """Jobs in the order of their first blocks."""
        return tuple(dict.fromkeys(block.job for block in self.blocks))
