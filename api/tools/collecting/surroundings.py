"""Load beside a measurement: none, foreign load of some kind, or a lane of ours."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.tools.collecting.corpus import Point
from devices.collecting import Ask, Runner, RunnerDied
from devices.load_generator import KINDS, LoadGenerator
from scheduler.model.measuring import Kind, Neighbour

_LOAD_S = 120.0
"""Longest that a foreign load lasts, should nobody end it."""
_DUTIES = (0.3, 0.6, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """One kind of load beside a measurement.

    Parameters
    ----------
    kind
        Of the foreign load, or empty.
    cores
        Of the foreign load, or of the neighbour.
    neighbour
        Model that another lane runs over and over; ``None`` for no such lane.
    """

    kind: str = ""
    cores: tuple[int, ...] = ()
    duty: float = 1.0
    seed: int = 0
    neighbour: Point | None = None
    neighbour_kind: Kind = Kind.UNKNOWN

    @property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """As a load tells it."""
        if self.neighbour is None:
            return ()
        return (Neighbour(kind=self.neighbour_kind, provider="cpu", cores=len(self.cores)),)


IDLE = Surroundings()


def drawn(chance: random.Random, cores: Sequence[int]) -> Surroundings:
    """Some foreign load: each kind on each core, or on all of them, as likely as another."""
    places = [(core,) for core in cores] + ([tuple(cores)] if len(cores) > 1 else [])
    return Surroundings(
        kind=chance.choice(KINDS),
        cores=chance.choice(places),
        duty=chance.choice(_DUTIES),
        seed=chance.randrange(2**31),
    )


@contextmanager
def made(surroundings: Surroundings, lane: Runner) -> Iterator[bool]:
    """Have them around for a while; whether they could be made.

    Parameters
    ----------
    lane
        Runs the neighbour.
    """
    if surroundings.neighbour is not None:
        yield _spin(lane, surroundings.neighbour)
        lane.close()
    elif surroundings.kind:
        load = LoadGenerator(
            surroundings.kind,
            surroundings.cores,
            _LOAD_S,
            seed=surroundings.seed,
            duty=surroundings.duty,
        )
        with load:
            yield True
    else:
        yield True


def _spin(lane: Runner, point: Point) -> bool:
    """Let a lane run a model over and over; whether it can."""
    ask = Ask(path=point.path, shapes=point.shapes, repeats=1, budget_us=1)
    try:
        if lane.ask(ask).refusal:
            return False
        lane.spin(Path(point.path), point.shapes)
    except RunnerDied:
        return False
    return True
