"""Contents of a picture of a schedule, in the words and times of its reader."""

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
        Time for which the machine was made ready right before the start.
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
    """The latest end of a job, in the row where its last operation runs."""

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
        Text above: the problem, and facts about the schedule.
    rows
        Names of the machines, from top to bottom.
    unit
        Unit of the times, empty if nobody said.
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
        """End of the last block."""
        return max((block.end for block in self.blocks), default=0.0)

    @property
    def jobs(self) -> tuple[str, ...]:
        """Jobs in the order of their first blocks."""
        return tuple(dict.fromkeys(block.job for block in self.blocks))
