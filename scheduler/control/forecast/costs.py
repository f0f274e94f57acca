"""The report on costs: predictions for all work everywhere, and how good they have been."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from scheduler.control.forecast.loads import FUNCTION_PROVIDER
from scheduler.control.records.costs import CostReport, KnownCost
from scheduler.control.state.state import State
from scheduler.model.measuring import Kind, Load, Neighbour
from scheduler.model.messages import Verdict, WorkKind
from scheduler.model.ports import Contribution, CostQuery, Prediction

MOST_KNOWN = 300
"""Rows of the report at most; a fleet has more pairs than anybody reads."""
MOST_BOXES = 32
"""Boxes whose links are told of; there are as many as the square of it."""
PROBE = Load(
    neighbours=(
        Neighbour(kind=Kind.COMPUTE, provider=""),
        Neighbour(kind=Kind.MEMORY, provider=""),
    ),
    contention=1.0,
    foreign=1.0,
)
"""One unit of each kind of load that comes and goes."""


def cost_report(state: State, at_us: int) -> CostReport:
    """All that is known of costs, at one moment."""
    oracle = state.oracle.report()
    queries = list(islice(_queries(state), MOST_KNOWN))
    found = zip(queries, state.oracle.predict(queries), strict=True)
    return CostReport(
        at_us=at_us,
        oracle=oracle,
        accuracy=state.accuracy.report(at_us, oracle.drifts),
        known=tuple(
            _known(query, cost, state.oracle.explain(replace(query, load=PROBE)))
            for query, cost in found
            if cost is not None
        ),
        links=state.links.known(islice(state.living_boxes(), MOST_BOXES)),
    )


def costs_beside(state: State, question: CostQuestion) -> tuple[KnownCost, ...]:
    """Predictions for work beside a load that is made up, with the reasons for each."""
    queries = [
        replace(query, load=_asked_load(state, query.machine, question))
        for query in _queries(state)
        if question.work in (query.name, query.digest)
        and question.machine in ("", query.machine)
        and question.provider in ("", query.provider)
    ]
    found = zip(queries, state.oracle.predict(queries), strict=True)
    return tuple(
        _known(query, cost, state.oracle.explain(query))
        for query, cost in found
        if cost is not None
    )


def _asked_load(state: State, machine: str, question: CostQuestion) -> Load:
    live = state.machines[machine]
    box = [
        core
        for each in state.machines.values()
        if each.box == live.box
        for core in each.report.cores
    ]
    return load_beside(question, own=live.report.cores, box=box)


def _queries(state: State) -> Iterator[CostQuery]:
    for (subject, machine, provider), profile in state.profiles.items():
        model = state.models.get(profile.digest)
        if model is not None and machine in state.machines and profile.verdict is Verdict.USABLE:
            name, _ = model.subjects().get(subject, (next(iter(model.names)), None))
            yield _query(WorkKind.MODEL, name, profile.digest, machine, provider)
    functions = {
        stage.target: stage.declared_us
        for workload in state.workloads.values()
        for stage in workload.stages
        if stage.kind is WorkKind.FUNCTION
    }
    for name, declared_us in functions.items():
        for machine, live in state.machines.items():
            if name in live.report.functions:
                yield _query(WorkKind.FUNCTION, name, "", machine, FUNCTION_PROVIDER, declared_us)


def _query(
    work: WorkKind, name: str, digest: str, machine: str, provider: str, declared_us: int = 0
) -> CostQuery:
    return CostQuery(
        kind=work,
        name=name,
        digest=digest,
        variant="",
        machine=machine,
        provider=provider,
        declared_us=declared_us,
    )


def _known(query: CostQuery, cost: Prediction, slowdowns: tuple[Contribution, ...]) -> KnownCost:
    return KnownCost(
        work=query.kind,
        name=query.name,
        digest=query.digest,
        machine=query.machine,
        provider=query.provider,
        p10_us=cost.p10_us or cost.p50_us,
        p50_us=cost.p50_us,
        p95_us=cost.p95_us,
        load_us=cost.load_us,
        load_provenance=cost.load_provenance.value,
        peak_bytes=cost.peak_bytes,
        resident_bytes=cost.resident_bytes,
        provenance=cost.provenance.value,
        observations=cost.observations,
        observed_us=cost.observed_us,
        kind=cost.kind.value,
        slowdowns=slowdowns,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignLoad:
    """Other programs on the last cores of a box, each for a share of the time, 0 to 1."""

    cores: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuestion:
    """A question: the time that work would take with a given load beside it.

    Parameters
    ----------
    work
        Name of a model or function, or digest of a model.
    machine, provider
        Only there, only by that one; everywhere if empty.
    """

    work: str
    machine: str = ""
    provider: str = ""
    foreign: tuple[ForeignLoad, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()


def load_beside(question: CostQuestion, *, own: Sequence[int], box: Sequence[int]) -> Load:
    """The load of a machine by its own cores and all of its box.

    Examples
    --------
    >>> asked = CostQuestion(work="det", foreign=(ForeignLoad(cores=1, share=0.6),))
    >>> load = load_beside(asked, own=(1,), box=(0, 1))
    >>> load.foreign, load.contention
    (0.3, 0.6)
    """
    cores, mine = sorted(set(box)), set(own)
    foreign = contention = 0.0
    for each in question.foreign:
        taken = cores[-each.cores :]
        foreign += each.share * len(taken) / max(1, len(cores))
        contention += each.share * len(mine.intersection(taken)) / max(1, len(mine))
    return Load(
        neighbours=question.neighbours,
        foreign=min(1.0, foreign),
        contention=min(1.0, contention),
    )
