from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from cost_models.learned import Artifact, train
from cost_models.learned.champion import challenge, held_out_families
from cost_models.learned.fitting import family_of
from cost_models.learned.size import EnsembleSize
from cost_models.profiles.measurement import Measurement
from devices.runtime.regressor import open_regressor
from scheduler.model.errors import InvalidMeasurement
from tests.cost_models import world

SMALL = EnsembleSize(factors=40)
"""Each test trains anew."""


def spoilt(rows: Sequence[Measurement], spared: set[str]) -> list[Measurement]:
    """The same rows, except that the durations of most families are wild."""
    rng = np.random.default_rng(0)

    def wild(row: Measurement) -> Measurement:
        factor = float(np.exp(rng.normal(0.0, 1.5)))
        return replace(row, samples_us=tuple(max(1, int(us * factor)) for us in row.samples_us))

    return [row if family_of(row) in spared else wild(row) for row in rows]


def test_first_model_wins_if_it_beats_the_roofline(measured: Sequence[Measurement]) -> None:
    outcome = challenge(None, measured, seed=1, opener=open_regressor, size=SMALL)

    assert outcome.is_replaced
    assert outcome.artifact is not None
    assert not set(outcome.families) & set(outcome.artifact.families)
    assert outcome.challenger_loss < outcome.champion_loss


def test_worse_challenger_never_replaces_the_champion(measured: Sequence[Measurement]) -> None:
    held = held_out_families(measured, None)
    champion = train([row for row in measured if family_of(row) not in held], seed=1, size=SMALL)

    outcome = challenge(champion, spoilt(measured, held), seed=1, opener=open_regressor, size=SMALL)

    assert not outcome.is_replaced
    assert outcome.artifact is champion
    assert outcome.challenger_loss > outcome.champion_loss


def test_better_challenger_replaces_the_champion(measured: Sequence[Measurement]) -> None:
    held = held_out_families(measured, None)
    spoilt_rows = spoilt(measured, held)
    champion = train([row for row in spoilt_rows if family_of(row) not in held], seed=1, size=SMALL)

    outcome = challenge(champion, measured, seed=1, opener=open_regressor, size=SMALL)

    assert outcome.is_replaced
    assert outcome.artifact is not champion


def test_same_families_stay_apart_as_data_grows(
    measured: Sequence[Measurement], artifact: Artifact
) -> None:
    held = held_out_families(measured, None)
    seen = {family_of(row) for row in measured} - held

    champion = replace(artifact, families=tuple(sorted(seen)))

    assert held_out_families(world.rows(each=3), champion) == held


def test_two_families_are_too_few_to_judge_by() -> None:
    with pytest.raises(InvalidMeasurement, match="3 families or more; got 2"):
        held_out_families(world.rows(families=range(2), each=1), None)
