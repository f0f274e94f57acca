"""Beliefs about work before it was measured: layers that the oracle asks, best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Protocol

from scheduler.model.measuring import Kind
from scheduler.model.messages import MachineReport
from scheduler.model.ports import Contribution, CostQuery, Provenance

DECLARED_VARIANCE = 0.18
"""Variance of an author's figure (log scale): its p95 is twice its median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """A distribution of durations of work that was not measured. Log scale, microseconds.

    Parameters
    ----------
    level
        Logarithm of the median when nothing else goes on.
    slowdown
        Added to that by the load of the query.
    variance
        Of the truth around the median.
    reasons
        Parts of the level and the slowdown, the largest first.
    """

    level: float
    variance: float
    provenance: Provenance
    slowdown: float = 0.0
    kind: Kind = Kind.UNKNOWN
    reasons: tuple[Contribution, ...] = ()


class Layer(Protocol):
    """A source of beliefs, asked for many queries at once. Deterministic.

    Attributes
    ----------
    knows_loads
        True if it knows the effect of a load on work; the others are not asked for that.
    """

    knows_loads: bool

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        """One belief per query, in order; ``None`` where it has nothing to say."""
        ...

    def learn_machine(self, machine: MachineReport) -> None:
        """Take in a machine, with the peaks of its providers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Basis of predictions of work that was not measured.

    Parameters
    ----------
    artifact
        Facts about the learned model; empty if there is none.
    note
        One sentence about it for people.
    """

    layers: tuple[Layer, ...]
    artifact: dict[str, str] = field(default_factory=dict)
    note: str = ""


class Declared:
    """Durations declared by the authors of functions."""

    knows_loads = False

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        """One belief per query that carries a declared duration."""
        return [_declared(query) for query in queries]

    def learn_machine(self, machine: MachineReport) -> None:
        """Nothing to learn: the author did not know the machine."""


def believe(layers: Sequence[Layer], queries: Sequence[CostQuery]) -> list[Belief | None]:
    """Belief of the best layer that has one, per query; each layer is asked once at most."""
    found: list[Belief | None] = [None] * len(queries)
    open_ = list(range(len(queries)))
    for layer in layers:
        if not open_:
            break
        for i, belief in zip(open_, layer.believe([queries[i] for i in open_]), strict=True):
            found[i] = belief
        open_ = [i for i in open_ if found[i] is None]
    return found


def _declared(query: CostQuery) -> Belief | None:
    if query.declared_us <= 0:
        return None
    return Belief(
        level=log(query.declared_us),
        variance=DECLARED_VARIANCE,
        provenance=Provenance.DECLARED,
    )
