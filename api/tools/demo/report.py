"""Findings of the demonstration, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.tools.demo.measure import FASTEST, FJORD, PLAIN, Measured, typical


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """The figures of all rounds.

    Parameters
    ----------
    expected
        Lines that were drawn into each image.
    measured
        Per approach, one entry per round.
    machines
        Names of the machines that the service had.
    unused
        Providers that are installed and were of no use, each with the reason.
    """

    expected: list[list[str]]
    measured: Mapping[str, Sequence[Measured]]
    machines: list[str]
    unused: Mapping[str, str]

    @property
    def fjord(self) -> Measured:
        """Fjord's typical round."""
        return typical(self.measured[FJORD])

    @property
    def violations(self) -> list[str]:
        """Laws broken in any round."""
        return [law for each in self.measured.values() for one in each for law in one.violations]

    @property
    def reads_right(self) -> bool:
        """True if every approach read every line of every image in every round."""
        return all(one.lines == self.expected for each in self.measured.values() for one in each)

    def as_dict(self) -> dict[str, Any]:
        """The values that ``fjord demo --json`` writes; makespans are medians over the rounds."""
        return {
            "lines": [line for lines in self.fjord.lines for line in lines],
            "expected": [line for lines in self.expected for line in lines],
            "makespan_us": self.fjord.makespan_us,
            "planned_us": self.fjord.planned_us,
            "bound_us": self.fjord.bound_us,
            "fastest_machine_us": typical(self.measured[FASTEST]).makespan_us,
            "plain_runtime_us": typical(self.measured[PLAIN]).makespan_us,
            "machines": self.machines,
            "violations": len(self.violations),
        }
