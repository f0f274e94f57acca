"""Layers that know a model by its graph: the roofline, and the model learned from other graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log
from typing import Protocol

import numpy as np

from cost_models.features import Summary
from cost_models.layers import Belief
from cost_models.learned.learned import Learned, PreparedGraph
from cost_models.learned.query import Query
from cost_models.roofline import roofline_us
from scheduler.model.measuring import IDLE, Load, Peaks
from scheduler.model.messages import MachineReport
from scheduler.model.ports import Contribution, CostQuery, Provenance

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
Graphs = Callable[[str, Shapes], Summary | None]
"""Cost of a model, by the digest of its file and the shapes of its inputs; ``None`` where it is not
known. Shapes that are not given are those that the model is measured with."""


class KnownGraphs(Protocol):
    """Graphs that are known from when they were counted."""

    def __call__(self, digest: str, shapes: Shapes) -> Summary | None:
        """Cost of a model, as `Graphs` gives it, once it was counted."""
        ...

    def learn(self, digest: str, counts: str) -> None:
        """Know a graph by the counts of this checksum from now on; not at all if it is empty."""
        ...


ROOFLINE_VARIANCE = 0.25
"""Variance of a median around its roofline (log scale): a factor of 1.6, two times in three."""
ASSUMED_VARIANCE = 1.0
"""Variance for unknown peaks or operators: a factor of 2.7."""
P10_TO_P95 = 2.93
"""Standard deviations between the two, of a normal distribution."""
MOST_WORKS = 2_000
"""Graphs on machines that are kept ready at most."""


class Machines:
    """Facts about machines, as agents reported them, that durations depend on."""

    def __init__(self) -> None:
        self._peaks: dict[tuple[str, str], Peaks] = {}
        self._threads: dict[str, int] = {}
        self._fingerprints: dict[tuple[str, str], str] = {}

    def learn(self, machine: MachineReport) -> None:
        """Take in a machine, in place of its earlier report."""
        for known in (self._peaks, self._fingerprints):
            for key in [key for key in known if key[0] == machine.id]:
                del known[key]
        self._threads[machine.id] = max(1, len(machine.cores))
        for peaks in machine.peaks:
            self._peaks[machine.id, peaks.provider] = peaks
        for report in machine.providers:
            self._fingerprints[machine.id, report.provider] = report.fingerprint

    def peaks(self, machine: str, provider: str) -> Peaks | None:
        """Peaks of the provider there, if they were measured."""
        return self._peaks.get((machine, provider))

    def fingerprint(self, machine: str, provider: str) -> str:
        """Fingerprint of the hardware and build that its speed depends on; empty if nobody told."""
        return self._fingerprints.get((machine, provider), "")

    def threads(self, machine: str) -> int:
        """Cores of the machine."""
        return self._threads.get(machine, 1)


class Roofline:
    """Physics: the longer of arithmetic and traffic of each part of a graph, and launches."""

    knows_loads = False

    def __init__(self, graphs: Graphs) -> None:
        self._graphs = graphs
        self._machines = Machines()

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        """One belief per query whose graph is known."""
        return [self._believe(query) for query in queries]

    def learn_machine(self, machine: MachineReport) -> None:
        """Take in a machine, with the peaks of its providers."""
        self._machines.learn(machine)

    def _believe(self, query: CostQuery) -> Belief | None:
        cost = self._graphs(query.digest, query.shapes) if query.digest else None
        if cost is None:
            return None
        peaks = self._machines.peaks(query.machine, query.provider)
        is_known = peaks is not None and not cost.unknown and not cost.is_scaled
        reasons = [Contribution(cause=_told(cost), factor=1.0)]
        if peaks is None:
            reasons.append(Contribution(cause="peaks of an ordinary core", factor=1.0))
        if cost.unknown:
            named = f"guesses for operators {', '.join(cost.unknown)}"
            reasons.append(Contribution(cause=named, factor=1.0))
        return Belief(
            level=log(roofline_us(cost, peaks or Peaks(provider=query.provider))),
            variance=ROOFLINE_VARIANCE if is_known else ASSUMED_VARIANCE,
            provenance=Provenance.ROOFLINE if is_known else Provenance.ASSUMED,
            kind=cost.kind,
            reasons=tuple(reasons),
        )


class FromOthers:
    """Beliefs of a learned model about graphs that were not measured there, all in one call."""

    knows_loads = True

    def __init__(self, learned: Learned, graphs: Graphs) -> None:
        self._learned = learned
        self._graphs = graphs
        self._machines = Machines()
        self._works: dict[tuple[object, ...], PreparedGraph] = {}

    def learn_machine(self, machine: MachineReport) -> None:
        """Take in a machine, with the peaks of its providers."""
        self._machines.learn(machine)
        self._works.clear()

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        """One belief per query whose graph is known."""
        costs = [self._graphs(q.digest, q.shapes) if q.digest else None for q in queries]
        known = [(i, cost) for i, cost in enumerate(costs) if cost is not None]
        found: list[Belief | None] = [None] * len(queries)
        if not known:
            return found
        works = [self._work(queries[i], cost) for i, cost in known]
        loads = [queries[i].load for i, _ in known]
        contexts = [
            self._learned.context(load, queries[i].provider)
            for (i, _), load in zip(known, loads, strict=True)
        ]
        idle = [self._learned.context(IDLE, queries[i].provider) for i, _ in known]
        count = len(known)
        places = np.arange(count)
        pairs = np.concatenate(
            [np.stack([places, places], 1), np.stack([places, places + count], 1)]
        )
        said = self._learned.predict(works, [*idle, *contexts], pairs)
        for place, (i, cost) in enumerate(known):
            spread = log(said.p95_us[count + place] / said.p10_us[count + place]) / P10_TO_P95
            found[i] = _belief(
                idle_us=float(said.p50_us[place]),
                loaded_us=float(said.p50_us[count + place]),
                spread=spread,
                work=works[place],
                cost=cost,
                load=queries[i].load,
                is_outside=bool(said.is_outside[count + place]),
            )
        return found

    def _work(self, query: CostQuery, cost: Summary) -> PreparedGraph:
        key = (query.digest, query.shapes, query.machine, query.provider)
        work = self._works.get(key)
        if work is None:
            if len(self._works) >= MOST_WORKS:
                self._works.clear()
            peaks = self._machines.peaks(query.machine, query.provider)
            asked = Query(
                graph=cost.features,
                kernels=cost.kernels,
                provider=query.provider,
                fingerprint=self._machines.fingerprint(query.machine, query.provider),
                threads=self._machines.threads(query.machine),
                peaks=peaks,
            )
            work = self._works[key] = self._learned.work(asked)
        return work


def _belief(
    *,
    idle_us: float,
    loaded_us: float,
    spread: float,
    work: PreparedGraph,
    cost: Summary,
    load: Load,
    is_outside: bool,
) -> Belief:
    slowdown = log(loaded_us / idle_us) if load is not IDLE else 0.0
    reasons = [
        Contribution(
            cause=f"{_told(cost)}: {work.base_us:,.0f} us as its kernels add up", factor=1.0
        ),
        Contribution(cause="as learned from whole models", factor=idle_us / work.base_us),
    ]
    if slowdown:
        reasons.append(Contribution(cause="load, as learned elsewhere", factor=exp(slowdown)))
    if is_outside:
        outside = ", ".join(work.outside) or "the load"
        reasons.append(Contribution(cause=f"wider: never seen in training: {outside}", factor=1.0))
    return Belief(
        level=log(idle_us),
        slowdown=slowdown,
        variance=max(1e-4, spread * spread),
        # An operator that nobody knows makes it a guess, however well the rest was learned; so
        # does a size that nobody counted.
        provenance=Provenance.ASSUMED if cost.unknown or cost.is_scaled else Provenance.LEARNED,
        kind=cost.kind,
        reasons=tuple(reasons),
    )


def _told(cost: Summary) -> str:
    counted = (
        f"{cost.features['flops'] / 1e6:,.1f} Mflop and {cost.moved_bytes / 1e6:,.1f} MB moved"
    )
    return f"{counted}, scaled from other sizes" if cost.is_scaled else counted
