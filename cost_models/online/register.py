"""Store of tracks: by work, by spot, and the traits that the spots of a place share."""

from __future__ import annotations

from collections.abc import Iterable
from math import log

from cost_models.online.causes import Amounts, Strengths
from cost_models.online.correction import WIDEN_OTHERS, Place, Track
from cost_models.online.tracks import Spot, TrackedWork, elements, from_sizes
from scheduler.model.messages import WorkKind
from scheduler.model.ports import CostQuery

MOST_SHAPES = 64
"""Shapes of one piece of work that are followed each by itself; the oldest goes first."""

WorkKey = tuple[WorkKind, str, str, str]
"""Kind, name, digest and variant."""


class Register:
    """All tracks. Everything is kept in the order in which it came.

    Attributes
    ----------
    is_told
        True if some layer knows the effect of loads on models.
    """

    def __init__(self) -> None:
        self.is_told = False
        self._works: dict[WorkKey, TrackedWork] = {}
        self._places: dict[Spot, Place] = {}
        self._by_machine: dict[str, dict[tuple[object, ...], Track]] = {}

    @property
    def works(self) -> Iterable[TrackedWork]:
        """All work that was measured anywhere."""
        return self._works.values()

    def find(self, query: CostQuery) -> TrackedWork | None:
        """The work of a query, if any of it was measured."""
        return self._works.get(_work_key(query))

    def work(self, query: CostQuery) -> TrackedWork:
        """The work of a query, new if need be."""
        key = _work_key(query)
        work = self._works.get(key)
        if work is None:
            work = self._works[key] = TrackedWork()
        return work

    def place(self, query: CostQuery) -> Place:
        """Traits of the provider on all machines of the agent, new if need be."""
        place = self._places[_place_key(query)] = self.found_place(query)
        return place

    def found_place(self, query: CostQuery) -> Place:
        """The same as `place`, but a new one is not kept."""
        place = self._places.get(_place_key(query))
        return Place(strengths=self._strengths(query.kind)) if place is None else place

    def add(self, work: TrackedWork, query: CostQuery, track: Track) -> None:
        """Keep a track of a spot for all shapes."""
        work.tracks[query.machine, query.provider] = track
        self._index(query, (), track)

    def replace(self, work: TrackedWork, query: CostQuery, track: Track) -> None:
        """Keep a track instead of all that was known of the spot."""
        spot = (query.machine, query.provider)
        for shapes, tracks in work.shaped.items():
            if tracks.pop(spot, None) is not None:
                del self._by_machine[query.machine][_track_key(query, shapes)]
        self.add(work, query, track)
        if query.shapes:
            work.reference = log(elements(query.shapes))
        work.changed()

    def shaped(self, work: TrackedWork, query: CostQuery, sized: Amounts) -> Track | None:
        """The track of a spot for the shapes of a query, once the work is known there."""
        spot = (query.machine, query.provider)
        general = work.tracks.get(spot)
        if not query.shapes or general is None:
            return None
        tracks = work.shaped.get(query.shapes)
        if tracks is None:
            if len(work.shaped) >= MOST_SHAPES:
                self._drop_shape(work, query)
            tracks = work.shaped[query.shapes] = {}
        if spot not in tracks:
            tracks[spot] = from_sizes(general, sized)
            self._index(query, query.shapes, tracks[spot])
        return tracks[spot]

    def doubt(self, machine: str) -> None:
        """Widen all that is known of a machine: something of it has changed."""
        for track in self._by_machine.get(machine, {}).values():
            track.widen(WIDEN_OTHERS)
        for work in self._works.values():
            work.changed()

    def forget_loads(self) -> None:
        """Forget the effects of loads on models; their idle durations are kept."""
        models = [work for key, work in self._works.items() if key[0] is WorkKind.MODEL]
        providers = {provider for work in models for _, provider in work.tracks}
        for (_, provider), place in self._places.items():
            if provider in providers:
                place.strengths = self._strengths(WorkKind.MODEL)
                place.stamp += 1
        for work in models:
            for tracks in (work.tracks, *work.shaped.values()):
                for track in tracks.values():
                    track.own.forget_loads()
            work.changed()

    def _strengths(self, kind: WorkKind) -> Strengths:
        is_told = self.is_told and kind is WorkKind.MODEL
        return Strengths.told() if is_told else Strengths()

    def _drop_shape(self, work: TrackedWork, query: CostQuery) -> None:
        shapes = next(iter(work.shaped))
        for machine, provider in work.shaped.pop(shapes):
            key = (_work_key(query), provider, shapes)
            self._by_machine[machine].pop(key, None)

    def _index(self, query: CostQuery, shapes: object, track: Track) -> None:
        tracks = self._by_machine.setdefault(query.machine, {})
        tracks[_track_key(query, shapes)] = track


def _place_key(query: CostQuery) -> Spot:
    return (query.machine.rpartition("/")[0], query.provider)


def _work_key(query: CostQuery) -> WorkKey:
    # A model is its file: renaming it or adding it twice keeps its tracks.
    name = "" if query.kind is WorkKind.MODEL else query.name
    return (query.kind, name, query.digest, query.variant)


def _track_key(query: CostQuery, shapes: object) -> tuple[object, ...]:
    return (_work_key(query), query.provider, shapes)
