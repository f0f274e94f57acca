"""The slowdown of unmeasured work under a load, from layers and the pace of the core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import log, log1p

from cost_models.layers import Layer, believe
from cost_models.online.causes import Amounts, amounts
from cost_models.online.pace import USUAL, log_pace
from scheduler.model.measuring import IDLE, Load
from scheduler.model.messages import MachineReport
from scheduler.model.ports import CostQuery

MOST_REMEMBERED = 20_000
"""Answers about loads that are kept at most."""
QUARTERS = 4
DECADE = log(10)
"""Steps of the own use of a machine, and of its rest, between remembered answers."""


class Slowdowns:
    """Effects of loads on unmeasured work: the layers' answers, and the core's pace.

    Layers are asked in batches, and their answers remembered.

    Attributes
    ----------
    answers
        Those of the layers, until a machine is another one. Loads that are nearly alike share the
        answer to the first of them, so later ones depend on what is here.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = [layer for layer in layers if layer.knows_loads]
        self.answers: dict[tuple[object, ...], float] = {}
        self._usual_ns: dict[tuple[str, str], int] = {}

    def ask(self, queries: Sequence[CostQuery]) -> None:
        """Ask in one call for the effects of the loads of all queries."""
        if not self._layers:
            return
        if len(self.answers) > MOST_REMEMBERED:
            self.answers.clear()
        wanted: dict[tuple[object, ...], CostQuery] = {}
        for query in queries:
            if query.load is IDLE:
                continue
            key = _key(query, amounts(query.load), query.load)
            if key is not None and key not in self.answers:
                wanted[key] = query
        # The pace is taken into account here: a layer that knows it would count it twice.
        unpaced = [replace(query, load=replace(query.load, pace_ns=0)) for query in wanted.values()]
        beliefs = believe(self._layers, unpaced)
        for key, belief in zip(wanted, beliefs, strict=True):
            self.answers[key] = belief.slowdown if belief is not None else 0.0

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Forget the answers to all questions that are asked within this."""
        answers, self.answers = self.answers, dict(self.answers)
        try:
            yield
        finally:
            self.answers = answers

    def of(self, query: CostQuery, causes: Amounts, load: Load | None = None) -> float:
        """Logarithm that the causes add to the median, by the answers of the layers.

        Parameters
        ----------
        load
            Load that the causes are of, where it is not that of the query.
        """
        seen = query.load if load is None else load
        if seen is IDLE:
            return 0.0
        pace = self.of_pace(query, seen)
        key = _key(query, causes, seen) if self._layers else None
        if key is None:
            return pace
        if key not in self.answers:
            self.ask([replace(query, load=seen)])
        return pace + self.answers.get(key, 0.0)

    def of_pace(self, query: CostQuery, load: Load | None = None) -> float:
        """Logarithm that the pace of the core adds to the median."""
        seen = query.load if load is None else load
        usual_ns = self._usual_ns.get((query.machine, query.provider), 0)
        return USUAL * log_pace(seen.pace_ns, usual_ns)

    def learn_machine(self, machine: MachineReport) -> None:
        """Take in the usual pace of a machine, and ask the layers again: they learned it too."""
        for key in [key for key in self._usual_ns if key[0] == machine.id]:
            del self._usual_ns[key]
        for peaks in machine.peaks:
            self._usual_ns[machine.id, peaks.provider] = peaks.pace_ns
        self.forget()

    def forget(self) -> None:
        """Ask the layers again: they know more."""
        self.answers.clear()


def _key(query: CostQuery, causes: Amounts, load: Load) -> tuple[object, ...] | None:
    """Key under which an answer about a load is remembered; ``None`` where nothing goes on."""
    rest = (round(load.utilisation * QUARTERS), round(log1p(load.idle_us) / DECADE))
    if not causes and rest == (0, 0):
        return None
    work = (query.kind, query.name, query.digest, query.variant, query.shapes)
    return (work, query.machine, query.provider, causes, rest)
