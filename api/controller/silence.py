"""Agents that have gone silent, and are not merely unheard because this side slept. Pure."""

from __future__ import annotations

from collections.abc import Mapping

Incarnation = tuple[str, str]
"""An agent and its incarnation."""


class Silence:
    """Counts looks at which an agent showed no sign of life.

    Parameters
    ----------
    period_s
        From one look to the next.
    misses
        An agent that is away at so many looks in a row is lost.
    grace_s
        After the site itself slept, agents have so long to show that they live.
    """

    def __init__(self, *, period_s: float, misses: int, grace_s: float) -> None:
        self._period_s = period_s
        self._misses = misses
        self._grace_s = grace_s
        self._missed: dict[Incarnation, int] = {}
        self._looked_s: float | None = None
        self._fair_s = 0.0

    def slept(self, at_s: float) -> None:
        """The store was away, or this process: nobody could show or see a sign of life."""
        self._missed.clear()
        self._fair_s = at_s + self._grace_s

    def look(
        self, at_s: float, joined: Mapping[str, str], alive: Mapping[str, str]
    ) -> list[Incarnation]:
        """Take in who is alive at a moment; return those that are lost by now.

        Parameters
        ----------
        joined, alive
            Incarnation of each agent that is to be there, and of each that is.
        """
        if self._looked_s is not None and at_s - self._looked_s > self._period_s + self._grace_s:
            self.slept(at_s)
        self._looked_s = at_s
        silent = [pair for pair in joined.items() if alive.get(pair[0]) != pair[1]]
        if at_s < self._fair_s:
            return []
        self._missed = {pair: self._missed.get(pair, 0) + 1 for pair in silent}
        return [pair for pair, times in self._missed.items() if times == self._misses]
