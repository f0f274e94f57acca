"""Instance: the problem in a file of a public format, with the file's numbers and units."""

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
        True if the file counts in whole units. An operation without duration, which the model does
        not allow, takes a microsecond; `value` rounds the sum of those away.
    unit
        Time unit of the file: ``s``, ``ms``, or empty if it names none.
    operation_numbers
        Per operation of the problem, its number in the file.
    machine_numbers
        Per machine of the problem, its number in the file, or its name if it has no number.
    network
        Network to split, if the file holds one; the problem is a relaxation of it.
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
        """Convert a time, or a bound on one, to the unit of the file."""
        return time_us // self.us_per_unit if self.whole else time_us / self.us_per_unit
