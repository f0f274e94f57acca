"""A trial of a newly trained model: it replaces the one in use if it is no worse on strangers.

Both are judged on families that neither has seen. Those are set apart before the new one is
trained, so the one that is judged is the one that is used.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.artifact import Artifact
from cost_models.learned.fitting import family_of, networks_of
from cost_models.learned.learned import Learned, Opener, Quantiles
from cost_models.learned.quantiles import HIGH, LOW, MIDDLE
from cost_models.learned.query import query_of
from cost_models.learned.size import EnsembleSize
from cost_models.learned.training import LEAST_FAMILIES, train
from cost_models.profiles.measurement import Measurement
from scheduler.model.errors import InvalidMeasurement

HELD_OUT = 5
"""One family in so many is set apart."""
PRIOR_SPREAD = 2.0
"""p95 over p50, and p50 over p10, of the roofline: the incumbent where there is no champion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Outcome of a trial: the model that predicts from now on, and the losses of both.

    Parameters
    ----------
    artifact
        The winner; ``None`` if even the roofline does better than the challenger.
    is_replaced
        True if the challenger won.
    families
        On which they were judged.
    champion_loss, challenger_loss
        Mean pinball loss of the log quantiles: less is better. The roofline's where there is no
        champion.
    """

    artifact: Artifact | None
    is_replaced: bool
    families: tuple[str, ...]
    champion_loss: float
    challenger_loss: float


def challenge(
    champion: Artifact | None,
    rows: Sequence[Measurement],
    *,
    seed: int,
    opener: Opener,
    size: EnsembleSize | None = None,
) -> Comparison:
    """Train a challenger without some families, and hold it against the champion on those.

    Parameters
    ----------
    opener
        Makes the trees of an artifact callable.
    size
        Sizes of the challenger, if not the usual ones.

    Raises
    ------
    InvalidMeasurement
        If there are too few families to train on some and judge on others.
    """
    held = held_out_families(rows, champion)
    challenger = train([row for row in rows if family_of(row) not in held], seed=seed, size=size)
    judged = [row for row in rows if family_of(row) in held]
    losses = [
        loss(predict(artifact, judged, opener) if artifact else roofline(judged), judged)
        for artifact in (champion, challenger)
    ]
    wins = losses[1] <= losses[0]
    return Comparison(
        artifact=challenger if wins else champion,
        is_replaced=wins,
        families=tuple(sorted(held)),
        champion_loss=losses[0],
        challenger_loss=losses[1],
    )


def held_out_families(rows: Sequence[Measurement], champion: Artifact | None) -> set[str]:
    """One family in five, of those that the champion has not seen if there are such.

    The choice depends on their names alone, so the same stay apart as data grows.
    """
    families = {family_of(row) for row in networks_of(rows)}
    if len(families) <= LEAST_FAMILIES:
        raise InvalidMeasurement(
            f"training beside a champion needs rows of {LEAST_FAMILIES + 1} families or more; "
            f"got {len(families)}",
            field="rows",
        )
    strangers = families - set(champion.families if champion else ())
    ranked = sorted(strangers or families, key=lambda name: hashlib.sha256(name.encode()).digest())
    most = min(math.ceil(len(families) / HELD_OUT), len(families) - LEAST_FAMILIES)
    return set(ranked[:most])


def predict(artifact: Artifact, rows: Sequence[Measurement], opener: Opener) -> Quantiles:
    """Predictions of an artifact for measured runs."""
    return Learned.opened(artifact, opener).predict_rows([query_of(row) for row in rows])


def roofline(rows: Sequence[Measurement]) -> Quantiles:
    """Predictions without any artifact."""
    p50 = np.array([max(1.0, row.roofline_us) for row in rows])
    return Quantiles(p50 / PRIOR_SPREAD, p50, p50 * PRIOR_SPREAD, np.zeros(len(rows), dtype=bool))


def loss(predicted: Quantiles, rows: Sequence[Measurement]) -> float:
    """Mean pinball loss of all three quantiles, on logarithms; each row weighs the same."""
    levels = ((LOW, predicted.p10_us), (MIDDLE, predicted.p50_us), (HIGH, predicted.p95_us))
    return float(np.mean([_pinball(level, np.log(values), rows) for level, values in levels]))


def _pinball(level: float, logs: NDArray[np.float64], rows: Sequence[Measurement]) -> float:
    losses = []
    for predicted, row in zip(logs, rows, strict=True):
        above = np.log(row.samples_us) - predicted
        losses.append(float(np.mean(np.maximum(level * above, (level - 1.0) * above))))
    return float(np.mean(losses))
