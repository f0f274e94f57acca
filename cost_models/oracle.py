"""The duration oracle: beliefs of layers, corrected by each execution since."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import exp, log, sqrt

from cost_models.knowledge import FORMS, Knowledge
from cost_models.layers import Belief, Declared, Layer, Standing, believe
from cost_models.online.causes import CAUSES, SIZE, Amounts, amounts, is_load
from cost_models.online.correction import REACH, TAIL, Place, Track
from cost_models.online.predicting import prediction
from cost_models.online.register import Register
from cost_models.online.session_times import SessionTimes
from cost_models.online.slowdowns import Slowdowns
from cost_models.online.tracks import TrackedWork, from_belief, from_kin, from_nothing, from_samples
from cost_models.prior import KnownGraphs
from scheduler.model.forms import Form
from scheduler.model.measuring import IDLE, Load
from scheduler.model.messages import MachineReport, Profile, Verdict, WorkKind
from scheduler.model.ports import (
    Contribution,
    CostQuery,
    Drift,
    OracleReport,
    Prediction,
    Provenance,
)

DRIFTS_KEPT = 200


class Oracle:
    """Durations of all work everywhere; a fold of all that it was told. Reads no clock.

    Measured work is followed by a track per machine, provider and shapes; other work is asked of
    lanes that are alike, then of the layers, best first. Loads slow work down by strengths that all
    work on a provider of an agent shares, and each departs from a little.

    Parameters
    ----------
    graphs
        Graphs by which the layers know models, if they are told of counted ones.
    models
        Finds the layers of a learned model by its digest; an empty digest is none.

    Notes
    -----
    Logarithms may differ in the last bit between C libraries; predictions are whole microseconds.

    Examples
    --------
    >>> oracle = Oracle()
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

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        graphs: KnownGraphs | None = None,
        artifact: dict[str, str] | None = None,
        note: str = "",
        models: Callable[[str], Standing] | None = None,
    ) -> None:
        self.graphs = graphs
        self._counts: dict[str, str] = {}
        self._models = models
        self._digest = ""
        self._known = Register()
        self._session_times = SessionTimes()
        self._machines: dict[str, MachineReport] = {}
        self._stand(layers, artifact or {}, note)
        self._drifts: deque[Drift] = deque(maxlen=DRIFTS_KEPT)
        self._observations = 0

    def stand_on(
        self, layers: Sequence[Layer], *, artifact: dict[str, str] | None = None, note: str = ""
    ) -> None:
        """Predict from other layers from now on; tracks stay.

        The effects of loads are learned anew: they were departures from the old layers' answers.
        """
        self._stand(layers, artifact or {}, note)
        for machine in self._machines.values():
            self.learn_machine(machine)
        self._known.forget_loads()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Answer questions that no event asked: later predictions do not depend on them."""
        with self._slowdowns.aside():
            yield

    def change_model(self, digest: str) -> None:
        """Predict by another learned model from now on, as far as it can be had."""
        if self._models is not None and digest != self._digest:
            found = self._models(digest)
            self.stand_on(found.layers, artifact=found.artifact, note=found.note)
            self._digest = digest

    @property
    def forms(self) -> tuple[Form, ...]:
        """Forms by which `learned` is stored."""
        return FORMS

    def learned(self) -> Knowledge:
        """Knowledge that later predictions depend on, apart from the layers themselves."""
        return Knowledge(
            digest=self._digest,
            register=self._known,
            loads=self._session_times,
            machines=self._machines,
            counts=self._counts,
            answers=self._slowdowns.answers,
            drifts=self._drifts,
            observations=self._observations,
        )

    def resume(self, learned: Knowledge) -> None:
        """Go on from the knowledge of another oracle; this one knows nothing so far."""
        for digest, counts in learned.counts.items():
            self._know(digest, counts)
        self.change_model(learned.digest)
        learned.register.is_told = self._known.is_told
        self._known, self._session_times = learned.register, learned.loads
        self._machines, self._drifts = learned.machines, learned.drifts
        self._observations = learned.observations
        for machine in self._machines.values():
            self._teach(machine)
        self._slowdowns.answers.update(learned.answers)

    def tell(self, note: str) -> None:
        """Replace the note of the report."""
        self._notes = (note,) if note else ()

    def predict(self, queries: Sequence[CostQuery]) -> list[Prediction | None]:
        """One prediction per query, in order; ``None`` where nothing at all is known yet."""
        self._slowdowns.ask(queries)
        found = [self._measured(query) for query in queries]
        missing = [i for i, prediction in enumerate(found) if prediction is None]
        if missing:
            beliefs = believe(self._layers, [queries[i] for i in missing])
            for i, belief in zip(missing, beliefs, strict=True):
                found[i] = self._believed(queries[i], belief) if belief is not None else None
        return found

    def explain(self, query: CostQuery) -> tuple[Contribution, ...]:
        """Contributions to a prediction, the largest first."""
        work = self._known.find(query)
        causes = amounts(query.load)
        if work is None or work.level((query.machine, query.provider)) is None:
            (belief,) = believe(self._layers, [query])
            return belief.reasons if belief is not None else ()
        shared = self._known.found_place(query).strengths.mean
        track = work.tracks.get((query.machine, query.provider))
        own = track.own.mean if track is not None else [0.0] * SIZE
        found = [
            Contribution(cause=CAUSES[cause], factor=exp(amount * (shared[cause] + own[cause])))
            for cause, amount in causes
        ]
        pace = self._slowdowns.of_pace(query)
        offset = self._slowdowns.of(query, causes) - pace
        for cause, part in (("load, as learned elsewhere", offset), ("pace of its core", pace)):
            if part:
                found.append(Contribution(cause=cause, factor=exp(part)))
        return tuple(sorted(found, key=lambda part: -abs(log(part.factor))))

    def learn_machine(self, machine: MachineReport) -> None:
        """Take in a machine, with the peaks of its providers."""
        self._machines[machine.id] = machine
        self._teach(machine)
        for work in self._known.works:
            work.changed()

    def learn_graph(self, digest: str, counts: str) -> None:
        """Take in that a model's graph was counted; or, without a checksum, that it is gone."""
        self._know(digest, counts)
        # Answers of layers about loads beside it were given without its graph.
        self._slowdowns.forget()

    def _know(self, digest: str, counts: str) -> None:
        self._counts.pop(digest, None)
        if counts:
            self._counts[digest] = counts
        if self.graphs is not None:
            self.graphs.learn(digest, counts)

    def learn_profile(self, profile: Profile, variant: str, at_us: int = 0) -> None:
        """Take in the profile of a model on a machine; one that failed teaches nothing."""
        if profile.verdict is not Verdict.USABLE or not profile.samples_us:
            return
        query = CostQuery(
            kind=WorkKind.MODEL,
            name="",
            digest=profile.digest,
            variant=variant,
            machine=profile.machine,
            provider=profile.provider,
            shapes=tuple(sorted(profile.shapes.items())),
            load=profile.load or IDLE,
        )
        work, place = self._known.work(query), self._known.place(query)
        track = from_samples(profile.samples_us, place, TAIL)
        causes = amounts(query.load)
        track.level -= track.median(place, causes, self._slowdowns.of(query, causes)) - track.level
        self._session_times.profiled(
            profile.digest, profile.machine, profile.provider, profile.load_us
        )
        track.peak_bytes, track.resident_bytes = profile.peak_bytes, profile.resident_bytes
        track.energy_uj = profile.energy_uj
        track.observed_us = at_us or None
        self._known.replace(work, query, track)
        self._observations += track.observations

    def observe(
        self,
        query: CostQuery,
        duration_us: int,
        *,
        load: Load | None = None,
        at_us: int = 0,
        load_us: int = 0,
    ) -> None:
        """Take in one measured execution."""
        if load_us:
            self._session_times.seen(query, load_us)
        work, place = self._known.work(query), self._known.place(query)
        log_us = log(max(1, duration_us))
        asked = amounts(query.load)
        actual = asked if load is None or load is query.load else amounts(load)
        offset = self._slowdowns.of(query, actual, load)
        work.sees(query.shapes)
        sized = work.causes_of_size(query.shapes)
        shaped = self._known.shaped(work, query, sized)
        general = self._general(work, query, log_us, actual, offset)
        if shaped is not None:
            general.learn(place, (*actual, *sized), log_us, offset=offset, alone=True)
        track, causes = (shaped, actual) if shaped is not None else (general, (*actual, *sized))
        if actual != asked:
            guess = (*asked, *causes[len(actual) :])
            expected = track.median(place, guess, self._slowdowns.of(query, asked))
            variance = track.variance(place, guess)
            track.calibrate(place, bool(asked), log_us - expected, variance)
        shift = track.learn(place, causes, log_us, offset=offset, expected=actual == asked)
        for each in (general, track):
            each.observed_us = at_us or each.observed_us
        self._observations += 1
        place.stamp += 1
        work.changed()
        if shift:
            self._drifted(query, shift, at_us)

    def report(self) -> OracleReport:
        """Report the basis of the predictions."""
        return OracleReport(
            pairs=sum(len(work.tracks) for work in self._known.works),
            observations=self._observations,
            artifact=self._artifact,
            notes=self._notes,
            drifts=tuple(self._drifts),
        )

    def _stand(self, layers: Sequence[Layer], artifact: dict[str, str], note: str) -> None:
        self._layers: tuple[Layer, ...] = (*layers, Declared())
        self._slowdowns = Slowdowns(self._layers)
        self._known.is_told = any(layer.knows_loads for layer in layers)
        self._artifact = artifact
        self._digest = artifact.get("digest", "")
        self.tell(note)

    def _teach(self, machine: MachineReport) -> None:
        self._slowdowns.learn_machine(machine)
        for layer in self._layers:
            layer.learn_machine(machine)

    def _measured(self, query: CostQuery) -> Prediction | None:
        work = self._known.find(query)
        if work is None:
            return None
        load = query.load
        key = (query.machine, query.provider, query.shapes, None if load is IDLE else load)
        known = work.memo.get(key)
        if known is not None:
            work_stamp, place, place_stamp, session_stamp, found = known
            stamps = (work.stamp, place.stamp, self._session_times.stamp)
            if (work_stamp, place_stamp, session_stamp) == stamps:
                return found
        place = self._known.found_place(query)
        answer = self._worked_out(work, place, query)
        if answer is not None:
            work.memo[key] = (work.stamp, place, place.stamp, self._session_times.stamp, answer)
        return answer

    def _worked_out(self, work: TrackedWork, place: Place, query: CostQuery) -> Prediction | None:
        spot = (query.machine, query.provider)
        level = work.level(spot)
        if level is None:
            return None
        causes = amounts(query.load)
        offset = self._slowdowns.of(query, causes)
        shaped = work.shaped.get(query.shapes, {}).get(spot) if query.shapes else None
        own = work.tracks.get(spot)
        track = shaped or own or work.kin(spot)[0]
        median = track.median(place, causes, offset)
        if shaped is None:
            sized = work.causes_of_size(query.shapes)
            causes = (*causes, *sized)
            # The level that alike lanes share, instead of the one that this lane happened to show.
            median = track.median(place, causes, offset) + level - track.level
        return prediction(
            median,
            track.deviation(place, causes),
            track.reach_of(place, is_load(causes)),
            provenance=Provenance.MEASURED if own is not None else Provenance.ASSUMED,
            session=self._session_times.of(query),
            track=track,
            observations=track.observations if own is not None else 0,
            kind=work.kind,
        )

    def _believed(self, query: CostQuery, belief: Belief) -> Prediction:
        place = self._known.found_place(query)
        median = belief.level + belief.slowdown
        variance = belief.variance
        for cause, amount in amounts(query.load):
            median += amount * place.strengths.mean[cause]
            variance += amount * amount * place.strengths.doubt[cause]
        return prediction(
            median,
            sqrt(variance),
            REACH,
            belief.provenance,
            session=self._session_times.of(query),
            kind=belief.kind,
        )

    def _general(
        self, work: TrackedWork, query: CostQuery, log_us: float, causes: Amounts, offset: float
    ) -> Track:
        """The track of a spot for all shapes, made from the best that is known of it."""
        spot = (query.machine, query.provider)
        track = work.tracks.get(spot)
        if track is not None:
            return track
        kin = work.kin(spot)
        if kin:
            track = from_kin(kin)
        else:
            # An author's declared duration is no match for a single execution.
            (belief,) = believe(self._layers[:-1], [query])
            if belief is None:
                track = from_nothing(log_us)
                track.level -= track.median(self._known.place(query), causes, offset) - log_us
            else:
                track, work.kind = from_belief(belief), belief.kind
        self._known.add(work, query, track)
        return track

    def _drifted(self, query: CostQuery, shift: float, at_us: int) -> None:
        """Note a change, and put in doubt all else about the machine."""
        self._known.doubt(query.machine)
        self._drifts.append(
            Drift(
                at_us=at_us,
                work=query.digest or query.name,
                machine=query.machine,
                provider=query.provider,
                factor=exp(shift),
            )
        )
