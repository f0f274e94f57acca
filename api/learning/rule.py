"""The rule for a training: enough new measurements, or some and a drift."""

from __future__ import annotations

from dataclasses import dataclass

DRIFT_SHARE = 10
"""After a drift a tenth of the rows is enough: those from before mislead."""
LEAST_FAMILIES = 3
"""One to judge on, and two to train on."""
SHARE = 0.02
"""Largest share of the time that trainings take, as of measuring that nobody asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of the decision.

    Parameters
    ----------
    wanted_rows
        New ones after which a training is due; 0 turns it off.
    last_us, took_s
        End of the last training, and its length; 0 if there was none.
    drift_us
        Time at which the latest drift was noticed; 0 if never.
    """

    now_us: int
    wanted_rows: int
    new_rows: int
    families: int
    last_us: int = 0
    took_s: float = 0.0
    drift_us: int = 0

    @property
    def is_drifted(self) -> bool:
        """True if something changed since the last training."""
        return self.drift_us > self.last_us

    @property
    def needed_rows(self) -> int:
        """New rows from which on a training is due."""
        if self.is_drifted:
            return max(1, self.wanted_rows // DRIFT_SHARE)
        return self.wanted_rows


def reason(facts: Facts) -> str:
    """The reason for a training now; empty if none is due."""
    if waits_for(facts):
        return ""
    rows = f"{facts.new_rows} new measurements"
    return f"a drift, and {rows}" if facts.is_drifted else rows


def waits_for(facts: Facts) -> str:
    """The condition that is missing for a training, in one sentence; empty if none is.

    Examples
    --------
    >>> waits_for(Facts(now_us=0, wanted_rows=200, new_rows=12, families=5))
    '188 more measurements are needed'
    """
    missing = facts.needed_rows - facts.new_rows
    if missing > 0:
        return f"{missing} more measurements are needed"
    if facts.families < LEAST_FAMILIES:
        return f"measurements of {LEAST_FAMILIES} models are needed; there are {facts.families}"
    rest_s = facts.took_s * (1.0 / SHARE - 1.0)
    left_s = rest_s - (facts.now_us - facts.last_us) / 1_000_000
    if facts.last_us and left_s > 0:
        return f"the next training may begin in {left_s:.0f} s: they take {SHARE:.0%} of the time"
    return ""
