"""Costs of stopping: the time until work lets go, the restart of its worker, and the allowance."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.model.ports import Provenance

ASSUMED_STOP_US = 30_000
"""To the next node of a graph, and there and back: large convolutions took up to 119 ms."""
_ASSUMED_NODES = 8
"""Of a graph whose nodes nobody has counted: each takes this part of it."""
ASSUMED_RESTART_US = 2_000_000
"""A new process that loads an inference engine."""
_LEAST_WEIGHT = 0.25
_MOST_ASKED = 1_000
_LONGEST_US = 600_000_000
"""A machine that was away for longer was not restarting."""

Spot = tuple[str, str]
"""Machine and provider; the provider is empty for figures of the whole worker."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A time that something costs, and where that is known from."""

    us: int
    provenance: Provenance = Provenance.MEASURED


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on a machine: what ran has not let go yet, or its worker is started again.

    Parameters
    ----------
    attempt
        The attempt that was told to stop; empty once its worker has ended.
    reason
        The reason that the worker ended; empty while it has not.
    """

    attempt: tuple[str, int]
    since_us: int
    until_us: int
    reason: str = ""

    @property
    def is_restart(self) -> bool:
        """True if it is a worker that is started again."""
        return not self.attempt[0]

    def free_us(self, now_us: int) -> int:
        """Time at which the machine should be free; half as long again if it is overdue."""
        if now_us < self.until_us:
            return self.until_us
        return now_us + (now_us - self.since_us) // 2


@dataclass(slots=True)
class Mean:
    """A moving mean of times, and how many it was made of."""

    us: float = 0.0
    seen: int = 0

    def learn(self, us: int) -> None:
        """Take in one."""
        self.seen += 1
        self.us += max(_LEAST_WEIGHT, 1 / self.seen) * (us - self.us)


@dataclass(slots=True)
class Stops:
    """Stops and restarts that happened.

    Parameters
    ----------
    asked
        Attempts that were running when they were asked to stop: where, and since when.
    """

    asked: dict[tuple[str, int], tuple[Spot, int]] = field(default_factory=dict)
    _down: dict[str, int] = field(default_factory=dict)
    _stops: dict[Spot, Mean] = field(default_factory=dict)
    _restarts: dict[Spot, Mean] = field(default_factory=dict)

    def ask(self, attempt: tuple[str, int], spot: Spot, at_us: int) -> None:
        """Note that running work is to stop."""
        if len(self.asked) >= _MOST_ASKED:
            del self.asked[next(iter(self.asked))]
        self.asked[attempt] = (spot, at_us)

    def reported(self, attempt: tuple[str, int], at_us: int, *, stopped: bool) -> None:
        """Learn how long it took, unless the attempt ended otherwise."""
        found = self.asked.pop(attempt, None)
        if found is not None and stopped and 0 <= at_us - found[1] <= _LONGEST_US:
            self._stops.setdefault(found[0], Mean()).learn(at_us - found[1])

    def went_down(self, machine: str, at_us: int) -> None:
        """Note that a worker is gone."""
        self._down[machine] = at_us

    def came_up(self, machine: str, at_us: int) -> None:
        """Learn how long its successor took to come."""
        since_us = self._down.pop(machine, None)
        if since_us is not None and 0 <= at_us - since_us <= _LONGEST_US:
            self._restarts.setdefault((machine, ""), Mean()).learn(at_us - since_us)

    def stop(self, machine: str, provider: str, takes_us: int) -> Figure:
        """Time from the decision until the machine is free of work that takes so long in all."""
        assumed_us = min(ASSUMED_STOP_US, takes_us // _ASSUMED_NODES)
        return _figure(self._stops, (machine, provider), assumed_us)

    def restart(self, machine: str) -> Figure:
        """From the end of a worker until the next one takes work, without its sessions."""
        return _figure(self._restarts, (machine, ""), ASSUMED_RESTART_US)


def _figure(known: dict[Spot, Mean], spot: Spot, assumed_us: int) -> Figure:
    """The time seen there; else that of others of the kind; else the assumed one."""
    if spot in known:
        return Figure(round(known[spot].us))
    others = [mean.us for (_, provider), mean in known.items() if provider == spot[1]]
    us = sum(others) / len(others) if others else assumed_us
    return Figure(round(us), Provenance.ASSUMED)


SHARE = 0.04
"""Share of the work that is done; with stops that pay by themselves, the total stays below a
twentieth.
"""


MOST_US = 1_000_000
"""No more is saved up: an hour without urgent work is no reason to throw away minutes then."""


AT_FIRST_US = 200_000


@dataclass(slots=True)
class Allowance:
    """Work that may still be thrown away, in microseconds of machines; below zero it is a debt.

    Parameters
    ----------
    thrown_us
        All that was thrown away so far.
    """

    left_us: int = AT_FIRST_US
    thrown_us: int = 0

    def earn(self, worked_us: int) -> None:
        """Take note of work that is done."""
        self.left_us = min(MOST_US, self.left_us + round(SHARE * worked_us))

    def spend(self, lost_us: int) -> None:
        """Take note of work that is thrown away."""
        self.left_us = max(-MOST_US, self.left_us - lost_us)
        self.thrown_us += lost_us

    def allows(self, lost_us: int, reserve_us: int = 0) -> bool:
        """True if so much may be thrown away, and something stays in reserve."""
        return self.left_us - lost_us >= reserve_us
