"""Online correction: the duration of one piece of work in one place, learned from each execution.

A scalar Kalman filter in log space, with the strengths of the causes of slowness beside it: an
error is shared out by how much each part is in doubt. Beside a busy neighbour that is the
neighbour's strength, once the idle level is known; so load does not spoil the idle prediction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

from cost_models.online.causes import Amounts, Strengths, is_load
from cost_models.online.drift import Cusum

LEAST_NOISE = 0.015 * 0.015
"""Variance (log scale) that even the steadiest work has from run to run."""
MOST_NOISE = 4.0
DRIFT = 0.003 * 0.003
DRIFT_SHARE = 0.01
"""Wandering of a level between two runs: this variance, and this share of the noise. At rest the
last observation then counts a tenth to a sixth."""
OUTLIER = 2.0
"""Beyond so many standard deviations an observation is weighed down by the square of the excess,
as under Student's distribution: one outlier moves little, a lasting change is seen by `Cusum`."""
TAIL = 0.05
"""Share of durations that may lie beyond the predicted p95."""
REACH = 1.645
MIN_REACH = 0.5
MAX_REACH = 12.0
"""Standard deviations from the median to the p95: of a normal distribution, and bounds."""
OWN_RATE = 0.1
POOL_RATE = 0.02
"""Steps of the p95 per miss, in standard deviations: of one piece of work, and of all work in one
place, from which new work starts."""
TRUST = 20.0
"""After so many observations the p95 of the work itself counts as much as that of its place."""
NOISE_WEIGHT = 0.05
NOISE_TRUST = 2
"""Least weight of an observation in the variance; observations that the first guess is worth."""
WIDEN_LEAST = 0.1 * 0.1
WIDEN_OTHERS = 0.05 * 0.05
"""Variance added to a level where a change was found, and to those of other work there."""


@dataclass(slots=True)
class Place:
    """Traits that all work on one provider of one box shares: slowness, and reach of the p95.

    Parameters
    ----------
    reach
        Standard deviations to the p95 of all work there; quiet and busy.
    stamp
        Rises with every change.
    """

    strengths: Strengths = field(default_factory=Strengths)
    stamp: int = 0
    reach: list[float] = field(default_factory=lambda: [REACH, REACH])


@dataclass(slots=True)
class Track:
    """Knowledge of one piece of work on one machine and provider.

    Parameters
    ----------
    level, doubt
        Logarithm of the idle median in microseconds, and the variance of that.
    noise, reach
        Variance from run to run, and standard deviations from p50 to p95; quiet and busy.
    surprise
        Variance that loads add which nobody foresaw; quiet and busy, as it was foreseen.
    observations
        Executions that it rests on, those of a profile included.
    """

    level: float
    doubt: float
    noise: list[float]
    reach: list[float]
    own: Strengths = field(default_factory=Strengths.own)
    surprise: list[float] = field(default_factory=lambda: [0.0, 0.0])
    watch: Cusum = field(default_factory=Cusum)
    observations: int = 0
    since_change: int = 0
    observed_us: int | None = None
    peak_bytes: int = 0
    resident_bytes: int = 0
    energy_uj: int | None = None

    def deviation(self, place: Place, causes: Amounts) -> float:
        """Standard deviation of one execution when that load is foreseen."""
        return sqrt(self.variance(place, causes) + self.surprise[is_load(causes)])

    def median(self, place: Place, causes: Amounts, offset: float = 0.0) -> float:
        """Logarithm of the median under a load. `offset` is the part that a layer below knows."""
        mean = self.level + offset
        if causes:
            shared, own = place.strengths.mean, self.own.mean
            for cause, amount in causes:
                mean += amount * (shared[cause] + own[cause])
        return mean

    def variance(self, place: Place, causes: Amounts) -> float:
        """Variance of one execution under a load, all that is in doubt included."""
        if not causes:
            return self.doubt + self.noise[0]
        shared, own = place.strengths.doubt, self.own.doubt
        return (
            self.doubt
            + self.noise[is_load(causes)]
            + sum([amount * amount * (shared[cause] + own[cause]) for cause, amount in causes])
        )

    def reach_of(self, place: Place, busy: bool) -> float:
        """Standard deviations from the median to the p95, when the box is quiet or busy."""
        weight = self.observations / (self.observations + TRUST)
        return weight * self.reach[busy] + (1.0 - weight) * place.reach[busy]

    def calibrate(self, place: Place, busy: bool, error: float, variance: float) -> None:
        """Hold the p95 to an execution: its error and the variance under the load foreseen.

        References
        ----------
        Gibbs and Candès (2021), arXiv:2106.00170, in the form that tracks the quantile itself
        (Angelopoulos, Candès and Tibshirani 2023, arXiv:2307.16895): whatever the data do, the
        share of misses comes to `TAIL`. Ours is tracked twice, pooled and per piece of work, in
        units of a deviation that follows the late effects of loads nobody foresaw.
        """
        surprise = self.surprise[busy]
        reach = self.reach_of(place, busy) * sqrt(variance + surprise)
        miss = (1.0 if error > reach else 0.0) - TAIL
        self.reach[busy] = _within(self.reach[busy] + OWN_RATE * miss, MIN_REACH, MAX_REACH)
        place.reach[busy] = _within(place.reach[busy] + POOL_RATE * miss, MIN_REACH, MAX_REACH)
        # An error of two or three deviations is noise, and known already.
        excess = error * error - 9.0 * variance
        if excess > 0.0 or surprise > 0.0:
            seen = _within(excess, 0.0, MOST_NOISE)
            self.surprise[busy] = surprise + NOISE_WEIGHT * (seen - surprise)

    def learn(
        self,
        place: Place,
        causes: Amounts,
        log_us: float,
        *,
        offset: float = 0.0,
        alone: bool = False,
        expected: bool = False,
    ) -> float:
        """Take in one execution; gives the shift (log scale) if the level has jumped, else 0.0.

        Parameters
        ----------
        alone
            Leave the traits of the place as they are: another track of the same execution moves
            them.
        expected
            The load was foreseen: the p95 is held to this execution too.
        """
        busy = is_load(causes)
        variance = self.variance(place, causes)
        error = log_us - self.median(place, causes, offset)
        score = error / sqrt(variance)
        if expected:
            self.calibrate(place, busy, error, variance)
        excess = (score / OUTLIER) ** 2
        damped = variance + self.noise[busy] * (excess - 1.0) if excess > 1.0 else variance
        parts = (self.own,) if alone else (place.strengths, self.own)
        self._move(parts, causes, error / damped, 1.0 / damped)
        self._follow_noise(busy, error * error, variance)
        self.observations += 1
        self.since_change += 1
        shift = self.watch.add(error, score)
        if shift:
            self.widen(max(WIDEN_LEAST, shift * shift))
            self.since_change = 0
        return shift

    def widen(self, variance: float) -> None:
        """Put the level in doubt: the distribution widens, and the next executions count more."""
        self.doubt = min(MOST_NOISE, self.doubt + variance)

    def _move(
        self, parts: tuple[Strengths, ...], causes: Amounts, pull: float, weight: float
    ) -> None:
        """Share an error out among level and strengths, each by its doubt."""
        doubt = self.doubt
        self.level += doubt * pull
        self.doubt = doubt - doubt * doubt * weight + DRIFT + DRIFT_SHARE * self.noise[0]
        for cause, amount in causes:
            for part in parts:
                doubt = part.doubt[cause]
                if not doubt:
                    continue
                part.mean[cause] += amount * doubt * pull
                # Nothing runs faster for being disturbed.
                if part is not self.own and part.mean[cause] < 0.0:
                    part.mean[cause] = 0.0
                left = doubt - amount * amount * doubt * doubt * weight
                part.doubt[cause] = left if left > LEAST_NOISE else LEAST_NOISE

    def _follow_noise(self, busy: bool, square: float, variance: float) -> None:
        noise = self.noise[busy]
        runs = self.since_change + 1 + NOISE_TRUST
        weight = 1.0 / runs if NOISE_WEIGHT * runs < 1.0 else NOISE_WEIGHT
        # The part that doubt explains is not noise; an outlier counts as three standard deviations.
        seen = _within(square, 0.0, 9.0 * variance) - (variance - noise)
        noise += weight * ((seen if seen > LEAST_NOISE else LEAST_NOISE) - noise)
        self.noise[busy] = noise if noise < MOST_NOISE else MOST_NOISE


def _within(value: float, low: float, high: float) -> float:
    # Comparisons, here and above, instead of `min` and `max`: this runs for each execution.
    return low if value < low else high if value > high else value
