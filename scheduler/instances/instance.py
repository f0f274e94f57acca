"""What a file of a public format holds: a problem, and how to speak of it in the file's words."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.instances.network import PlacementProblem
from scheduler.model.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A problem, and the numbers and units that its file has for it.

    Parameters
    ----------
    format
        Name of the format, one of `scheduler.instances.FORMATS`.
    us_per_unit
        Microseconds of the problem per time unit of the file. `value` gives times in the file's
        unit.
    whole
        Whether the file counts in whole units. Where an operation takes no time at all, which the
        model cannot say, it takes a microsecond; `value` then leaves out what those amount to.
    unit
        What the file counts time in: ``s``, ``ms``, or empty where it says nothing.
    operation_numbers
        Per operation of the problem, its number in the file.
    machine_numbers
        Per machine of the problem, its number in the file, or its name where it has no number.
    network
        What is to be split, where the file asks for that; the problem is a relaxation of it.
    """

    problem: Problem
    format: str
    us_per_unit: int = 1
    whole: bool = True
    unit: str = ""
    operation_numbers: tuple[int, ...] = field(repr=False)
    machine_numbers: tuple[int | str, ...] = field(repr=False)
    network: PlacementProblem | None = field(default=None, repr=False)

    def value(self, time_us: int) -> int | float:
        """Give a time, or a bound on one, in the unit of the file."""
        return time_us // self.us_per_unit if self.whole else time_us / self.us_per_unit
