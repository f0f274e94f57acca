"""All measured work: tracks by work and machine, and pools of related tracks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, log, sqrt

from cost_models.layers import Belief
from cost_models.online.causes import SIZE, Amounts
from cost_models.online.correction import LEAST_NOISE, Place, Track
from scheduler.model.measuring import Kind
from scheduler.model.ports import Prediction

NEW_DOUBT, NEW_NOISE = 0.04, 0.01
"""Variances (log scale) of work that was seen once: its p95 is 1.4 times its median."""
BELIEF_NOISE = 0.02
"""Variance from run to run of work that nobody measured: more, as runs under other loads differ."""
KIN_DOUBT = 0.09
"""Distance of the level of a lane from that of a lane of the same agent and provider. Variance."""
SHAPE_DOUBT = 0.01
"""Distance of a size from the level that other sizes predict for it. Variance."""
ALIKE = log(1.25)
"""Lanes of one agent whose levels are within this of each other count as equal, as long as the
difference is not beyond doubt: the rest is noise."""
SURE = 9.0
"""Square of the standard deviations from which a difference is beyond doubt."""
MOST_MEMOS = 1_000
"""Predictions of one piece of work that are kept at most."""

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
Spot = tuple[str, str]
"""Machine and provider."""


Memo = tuple[int, Place, int, int, Prediction]
"""A prediction, with the work's stamp, the place, and the stamps of the place and of load times
that it was made at."""


@dataclass(slots=True)
class TrackedWork:
    """Everything known of one piece of work: per spot for all shapes, and for each shape.

    Parameters
    ----------
    reference
        Logarithm of the size of the first inputs that were seen.
    stamp
        Rises with every change.
    levels, families, memo
        Results worked out since the last change; they would come out the same again.
    """

    tracks: dict[Spot, Track] = field(default_factory=dict)
    shaped: dict[Shapes, dict[Spot, Track]] = field(default_factory=dict)
    reference: float = 0.0
    kind: Kind = Kind.UNKNOWN
    stamp: int = 0
    levels: dict[Spot, float | None] = field(default_factory=dict)
    families: dict[tuple[str, str], list[Spot]] = field(default_factory=dict)
    memo: dict[tuple[object, ...], Memo] = field(default_factory=dict)

    def sees(self, shapes: Shapes) -> None:
        """Take in the inputs of an execution: sizes are told by those of the first."""
        if shapes and not self.reference:
            self.reference = log(elements(shapes))

    def causes_of_size(self, shapes: Shapes) -> Amounts:
        """The size of the inputs as a cause; nothing where it is not known, or as at first."""
        if not shapes or not self.reference:
            return ()
        amount = log(elements(shapes)) - self.reference
        return ((SIZE, amount),) if amount else ()

    def kin(self, spot: Spot) -> list[Track]:
        """Tracks of the same provider on the machines of the same agent, by machine."""
        if not self.families:
            self.families = _families(self.tracks)
        return [self.tracks[name] for name in self.families.get(_family(spot), ())]

    def changed(self) -> None:
        """Forget results worked out before."""
        self.stamp += 1
        self.levels.clear()
        self.families.clear()
        if len(self.memo) > MOST_MEMOS:
            self.memo.clear()

    def level(self, spot: Spot) -> float | None:
        """Level that lanes which are alike share; ``None`` where none of them was measured."""
        if spot not in self.levels:
            kin = self.kin(spot)
            self.levels[spot] = _pooled(self.tracks.get(spot), kin)
        return self.levels[spot]


def _family(spot: Spot) -> tuple[str, str]:
    """Agent and provider: lanes that share both are alike."""
    return spot[0].rpartition("/")[0], spot[1]


def _families(spots: Iterable[Spot]) -> dict[tuple[str, str], list[Spot]]:
    """Spots by family, in the order of their machines."""
    found: dict[tuple[str, str], list[Spot]] = {}
    for spot in sorted(spots):
        found.setdefault(_family(spot), []).append(spot)
    return found


@lru_cache(maxsize=4_096)
def elements(shapes: Shapes) -> int:
    """Elements of all inputs together; at least 1."""
    total = 0
    for _, shape in shapes:
        size = 1
        for length in shape:
            size *= length
        total += size
    return max(1, total)


def from_belief(belief: Belief) -> Track:
    """A track that nothing was measured for, to be moved by its first execution."""
    noise = min(BELIEF_NOISE, belief.variance)
    return _track(belief.level, belief.variance, noise)


def from_kin(kin: Sequence[Track]) -> Track:
    """A track that starts from the track of a lane like it."""
    first = kin[0]
    track = _track(first.level, first.doubt + KIN_DOUBT, first.noise[0])
    track.noise, track.reach, track.own = list(first.noise), list(first.reach), first.own.copy()
    track.peak_bytes, track.resident_bytes = first.peak_bytes, first.resident_bytes
    track.energy_uj = first.energy_uj
    return track


def from_sizes(general: Track, causes: Amounts) -> Track:
    """A track of one shape, from the size effect that all shapes of the work show."""
    grown = sum(amount * general.own.mean[SIZE] for cause, amount in causes if cause == SIZE)
    doubt = sum(amount**2 * general.own.doubt[SIZE] for cause, amount in causes if cause == SIZE)
    track = from_kin([general])
    track.level = general.level + grown
    # At the size of the first inputs the general track is about these shapes, if anything is.
    track.doubt = general.doubt + (doubt + KIN_DOUBT + SHAPE_DOUBT if causes else 0.0)
    return track


def from_nothing(log_us: float) -> Track:
    """A track of work that nobody knew anything about before its first execution."""
    return _track(log_us, NEW_DOUBT, NEW_NOISE)


def _track(level: float, doubt: float, noise: float) -> Track:
    reach = Place().reach
    return Track(level=level, doubt=doubt, noise=[noise, noise], reach=reach)


def from_samples(samples_us: Sequence[int], place: Place, tail: float) -> Track:
    """A track from repeated warm runs: their median, spread, and reach of the p95."""
    ordered = sorted(samples_us)
    p50_us = max(1.0, quantile(ordered, 0.5))
    level = log(p50_us)
    logs = [log(max(1, sample)) - level for sample in ordered]
    noise = max(LEAST_NOISE, sum([x * x for x in logs]) / len(logs))
    # A run also copies its inputs and outputs, which counts where the work itself is short.
    overhead = min(1.0, OVERHEAD_US / p50_us)
    doubt = noise / len(logs) + PROFILE_DOUBT + overhead * overhead
    track = _track(level, doubt, noise)
    deviation = sqrt(doubt + noise)
    reach = log(max(1.0, quantile(ordered, 1.0 - tail)) / p50_us) / deviation
    track.reach = [max(reach, own) for own in place.reach]
    track.observations, track.since_change = len(logs), SAMPLES_TRUST
    return track


OVERHEAD_US = 100.0
PROFILE_DOUBT = 0.05 * 0.05
"""Distance of runs in earnest from those of a profile: copies, and other inputs. Variance."""


SAMPLES_TRUST = 4
"""Repeats in a row vary less than runs in earnest: together they are worth this many."""


def quantile(ordered: Sequence[int], share: float) -> float:
    """Linear between the two nearest ranks of an ascending sequence."""
    position = share * (len(ordered) - 1)
    below = min(int(position), len(ordered) - 1)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def _pooled(own: Track | None, kin: Sequence[Track]) -> float | None:
    if not kin:
        return None
    low = min(kin, key=lambda track: track.level)
    high = max(kin, key=lambda track: track.level)
    gap = high.level - low.level
    if gap <= ALIKE and gap * gap <= SURE * (low.doubt + high.doubt):
        return log(sum([exp(track.level) for track in kin]) / len(kin))
    return own.level if own is not None else kin[0].level
