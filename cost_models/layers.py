"""What can be said of work before it was measured: layers that the oracle asks, best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Protocol

from scheduler.model.measuring import Kind
from scheduler.model.messages import MachineReport
from scheduler.model.ports import Contribution, CostQuery, Provenance

DECLARED_VARIANCE = 0.18
"""Of what an author said (log scale): its p95 is twice its median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """A distribution of durations of work that was not measured. Log scale, microseconds.

    Parameters
    ----------
    level
        Logarithm of the median when nothing else goes on.
    slowdown
        What the load of the query adds to that.
    variance
        Of the truth around the median.
    reasons
        What the level and the slowdown are made of, the largest first.
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
        Whether it says what a load does to work; the others are not asked for that.
    """

    knows_loads: bool

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        """One belief per query, in order; ``None`` where it has nothing to say."""
        ...

    def learn_machine(self, machine: MachineReport) -> None:
        """Take in a machine, with what its providers reach at most."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What predictions of work that was not measured stand on.

    Parameters
    ----------
    artifact
        What is known of the learned model; empty if there is none.
    note
        What a person should know of it, in one sentence.
    """

    layers: tuple[Layer, ...]
    artifact: dict[str, str] = field(default_factory=dict)
    note: str = ""


class Declared:
    """What the author of a function said it takes."""

    knows_loads = False

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        """One belief per query that carries a declared duration."""
        return [_declared(query) for query in queries]

    def learn_machine(self, machine: MachineReport) -> None:
        """Nothing to learn: the author did not know the machine."""


def believe(layers: Sequence[Layer], queries: Sequence[CostQuery]) -> list[Belief | None]:
    """What the best layer that knows says of each query; each layer is asked once at most."""
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
