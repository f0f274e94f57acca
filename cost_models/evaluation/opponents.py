"""Simple predictors that go by the runs before: what the service's correction must be as good as.

Three of them know what the learned model says of each run, and so share its knowledge of loads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, log
from statistics import median

from cost_models.evaluation.baselines import moving_average

WINDOW = 5
"""Runs of which the median ratio is taken."""
PRIOR_VARIANCE = 0.1
NOISE_VARIANCE = 0.02
DRIFT_VARIANCE = 0.001
"""Of the filter, log scale: of the model's error, from run to run, and of the wandering between two
runs: a p95 of the error of 1.7, noise of 14 % and a step of 3 %."""


class Past:
    """The runs of a piece of work before the one that is asked for.

    Parameters
    ----------
    asked_us
        Duration of the one that is asked for, as the learned model says it under its load.
    """

    def __init__(self, asked_us: float) -> None:
        self.asked_us = asked_us
        self.took_us: list[float] = []
        self.ratios: list[float] = []

    def add(self, took_us: float, said_us: float) -> None:
        """Take in a run, and what the learned model had said of it."""
        self.took_us.append(took_us)
        self.ratios.append(took_us / said_us)


def _median_ratio(past: Past) -> float:
    return past.asked_us * median(past.ratios[-WINDOW:])


def _kalman(past: Past) -> float:
    """A local level in logarithms (Kalman 1960, doi:10.1115/1.3662552), by fixed variances."""
    level, doubt = 0.0, PRIOR_VARIANCE
    for ratio in past.ratios:
        gain = doubt / (doubt + NOISE_VARIANCE)
        level += gain * (log(ratio) - level)
        doubt = (1.0 - gain) * doubt + DRIFT_VARIANCE
    return past.asked_us * exp(level)


Opponent = Callable[[Past], float]
OPPONENTS: Mapping[str, Opponent] = {
    "median ratio of the last five": _median_ratio,
    "Kalman filter": _kalman,
    "moving average": lambda past: moving_average(past.took_us),
    "last value": lambda past: past.took_us[-1],
}
