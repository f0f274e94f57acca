"""The first duration oracle: profiles, corrected by exponential moving averages.

Only ``+ - * /`` are used on the floats that it keeps, so the same observations give the same
predictions on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from cost_models.online.session_times import SessionTime, SessionTimes
from scheduler.model.forms import Form
from scheduler.model.measuring import Load
from scheduler.model.messages import MachineReport, Profile, Verdict, WorkKind
from scheduler.model.ports import (
    Contribution,
    CostQuery,
    OracleReport,
    Prediction,
    Provenance,
)

LAST_WEIGHT = 0.1
"""Least share of an observation in the average: it follows a change within ten or so."""
OUTLIER = 8.0
"""An observation counts as at most this multiple (at least this fraction) of the median."""
MIN_SPREAD = 1.05
MAX_SPREAD = 20.0
"""Bounds of p95 / p50."""
ASSUMED_SPREAD = 2.0
"""p95 / p50 of work that was not measured."""
SPREAD_STEP = 0.1
"""Step of the quantile tracker, relative to the spread."""
QUANTILE = 0.95

ALIKE = 1.25
"""Lanes of one agent whose medians are within this ratio count as equal: the rest is noise."""

_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Estimate of one piece of work on one provider of one machine."""

    p50_us: float
    spread: float
    peak_bytes: int = 0
    resident_bytes: int = 0
    observations: int = 0


@dataclass(frozen=True, slots=True)
class _Averages:
    work: dict[_Key, dict[tuple[str, str], _Estimate]]
    loads: SessionTimes


_FORMS = (
    Form("averages", _Averages),
    Form("estimate", _Estimate),
    Form("load_times", SessionTimes, {"stamp": "stamp", "known": "_known"}),
    Form("load_time", SessionTime),
)


class EmaOracle:
    """Durations from profiles and observations; a fold of all that it was told.

    The median is the mean of the first ten observations, then their exponential average. The ratio
    p95 / p50 follows the share of observations that exceed p95. Lanes of one agent that measure
    alike share one median, so that noise does not choose between them.

    Examples
    --------
    >>> oracle = EmaOracle()
    >>> query = CostQuery(
    ...     kind=WorkKind.FUNCTION, name="crop", digest="", variant="", machine="a/cpu0",
    ...     provider="python", declared_us=800,
    ... )
    >>> oracle.predict([query])[0].provenance
    <Provenance.DECLARED: 'declared'>
    >>> oracle.observe(query, 1_000)
    >>> oracle.predict([query])[0].p50_us
    1000
    """

    def __init__(self) -> None:
        self._work: dict[_Key, dict[tuple[str, str], _Estimate]] = {}
        self._session_times = SessionTimes()

    @property
    def forms(self) -> tuple[Form, ...]:
        """Forms by which `learned` is stored."""
        return _FORMS

    def learned(self) -> _Averages:
        """Averages and session times."""
        return _Averages(self._work, self._session_times)

    def resume(self, learned: _Averages) -> None:
        """Go on from the knowledge of another oracle; this one knows nothing so far."""
        self._work, self._session_times = learned.work, learned.loads

    def aside(self) -> AbstractContextManager[None]:
        """Nothing: to be asked changes no average."""
        return nullcontext()

    def change_model(self, digest: str) -> None:
        """Nothing changes: an average asks no model."""

    def predict(self, queries: Sequence[CostQuery]) -> list[Prediction | None]:
        """One prediction per query, in order; ``None`` where nothing at all is known yet."""
        return [self._predict(query) for query in queries]

    def explain(self, query: CostQuery) -> tuple[Contribution, ...]:
        """Nothing: an average has no parts."""
        return ()

    def learn_machine(self, machine: MachineReport) -> None:
        """Nothing to learn: an average knows only its observations."""

    def report(self) -> OracleReport:
        """Say how many observations there were."""
        return OracleReport(pairs=sum(len(places) for places in self._work.values()))

    def learn_graph(self, digest: str, counts: str) -> None:
        """Nothing to learn: graphs say nothing of durations here."""

    def learn_profile(self, profile: Profile, variant: str, at_us: int = 0) -> None:
        """Take in the profile of a model on a machine; one that failed teaches nothing."""
        if profile.verdict is not Verdict.USABLE or not profile.samples_us:
            return
        self._session_times.profiled(
            profile.digest, profile.machine, profile.provider, profile.load_us
        )
        samples = sorted(profile.samples_us)
        p50_us = max(1.0, _quantile(samples, 0.5))
        key = (WorkKind.MODEL.value, "", profile.digest, variant)
        self._work.setdefault(key, {})[(profile.machine, profile.provider)] = _Estimate(
            p50_us=p50_us,
            spread=_within(_quantile(samples, QUANTILE) / p50_us, MIN_SPREAD, MAX_SPREAD),
            peak_bytes=profile.peak_bytes,
            resident_bytes=profile.resident_bytes,
            observations=len(samples),
        )

    def observe(
        self,
        query: CostQuery,
        duration_us: int,
        *,
        load: Load | None = None,
        at_us: int = 0,
        load_us: int = 0,
    ) -> None:
        """Take in one measured execution; its load does not matter here."""
        if load_us:
            self._session_times.seen(query, load_us)
        places = self._work.setdefault(_key(query), {})
        place = (query.machine, query.provider)
        known = places.get(place)
        duration = float(max(1, duration_us))
        places[place] = (
            _corrected(known, duration)
            if known
            else _Estimate(p50_us=duration, spread=ASSUMED_SPREAD, observations=1)
        )

    def _predict(self, query: CostQuery) -> Prediction | None:
        places = self._work.get(_key(query), {})
        known = places.get((query.machine, query.provider))
        load = self._session_times.of(query)
        siblings = _siblings(places, query)
        if known is not None:
            return _prediction(_pooled(known, siblings), Provenance.MEASURED, load)
        if siblings:
            return _prediction(replace(siblings[0], observations=0), Provenance.ASSUMED, load)
        if query.declared_us > 0:
            declared = _Estimate(p50_us=float(query.declared_us), spread=ASSUMED_SPREAD)
            return _prediction(declared, Provenance.DECLARED, load)
        return None


def _key(query: CostQuery) -> _Key:
    # A model is its file: renaming it or adding it twice keeps its average.
    name = "" if query.kind is WorkKind.MODEL else query.name
    return (query.kind.value, name, query.digest, query.variant)


def _siblings(places: dict[tuple[str, str], _Estimate], query: CostQuery) -> list[_Estimate]:
    """Estimates of the same provider on the machines of the same agent, by machine."""
    agent = query.machine.rpartition("/")[0]
    found = [
        (machine, estimate)
        for (machine, provider), estimate in places.items()
        if provider == query.provider and machine.rpartition("/")[0] == agent
    ]
    return [estimate for _, estimate in sorted(found, key=lambda entry: entry[0])]


def _pooled(known: _Estimate, siblings: Sequence[_Estimate]) -> _Estimate:
    """Give the estimate the mean median of its siblings, if they are all alike."""
    medians = [estimate.p50_us for estimate in siblings]
    if max(medians) > ALIKE * min(medians):
        return known
    return replace(known, p50_us=sum(medians) / len(medians))


def _corrected(known: _Estimate, duration_us: float) -> _Estimate:
    """Move the median towards an observation and the spread towards covering 95 % of them."""
    weight = max(LAST_WEIGHT, 1.0 / (known.observations + 1))
    near = _within(duration_us, known.p50_us / OUTLIER, known.p50_us * OUTLIER)
    p50_us = max(1.0, known.p50_us + weight * (near - known.p50_us))
    # Up by 0.95 of a step in 5 % of the cases, down by 0.05 in 95 %: at rest when p95 is right.
    exceeds = duration_us > known.p50_us * known.spread
    step = SPREAD_STEP * (QUANTILE if exceeds else QUANTILE - 1.0)
    spread = _within(known.spread * (1.0 + step), MIN_SPREAD, MAX_SPREAD)
    return replace(known, p50_us=p50_us, spread=spread, observations=known.observations + 1)


def _prediction(estimate: _Estimate, provenance: Provenance, load: SessionTime) -> Prediction:
    p50_us = max(1, round(estimate.p50_us))
    return Prediction(
        p50_us=p50_us,
        p95_us=max(p50_us, round(estimate.p50_us * estimate.spread)),
        load_us=load.us,
        load_provenance=load.provenance,
        peak_bytes=estimate.peak_bytes,
        resident_bytes=estimate.resident_bytes,
        provenance=provenance,
        observations=estimate.observations,
    )


def _quantile(ordered: Sequence[int], share: float) -> float:
    """Linear between the two nearest ranks of an ascending sequence."""
    position = share * (len(ordered) - 1)
    below = min(int(position), len(ordered) - 1)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
