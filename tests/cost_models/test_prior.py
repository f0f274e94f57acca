"""Predictions of the layer that learned from other models, for machines that it is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.oracle.oracle import summary_of
from cost_models.learned import Learned, train
from cost_models.prior import FromOthers
from devices.runtime.regressor import open_regressor
from scheduler.model.messages import MachineReport, ProviderReport, Verdict
from tests.api.http.routes.conftest import doubling_model
from tests.cost_models import world
from tests.cost_models.asking import query

QUICK, SLOW = world.BOXES[0], world.Box(name="slow", slowness=(9.0, 7.2, 12.0, 18.0))
"""One speed by their peaks; the slow one was measured to take six times as long."""


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> FromOthers:
    path: Path = tmp_path_factory.mktemp("models") / "double.onnx"
    path.write_bytes(doubling_model())
    artifact = train(world.rows(families=range(4), each=4, boxes=(QUICK, SLOW)), seed=1)
    return FromOthers(
        Learned.opened(artifact, open_regressor), lambda _, shapes: summary_of(path, shapes)
    )


def machine(name: str, fingerprint: str) -> MachineReport:
    cpu = ProviderReport(
        provider="cpu", device_class="cpu", verdict=Verdict.USABLE, fingerprint=fingerprint
    )
    return MachineReport(
        id=name,
        device=name,
        device_class="cpu",
        cores=(0,),
        memory_bytes=1,
        providers=(cpu,),
        peaks=(QUICK.peaks,),
    )


def test_machines_with_the_same_peaks_are_told_apart_by_what_was_measured_on_their_kind(
    layer: FromOthers,
) -> None:
    for box in (QUICK, SLOW):
        layer.learn_machine(machine(f"{box.name}/new", box.name))

    quick, slow = layer.believe(
        [query(f"{box.name}/new", shape=(640_000, 3)) for box in (QUICK, SLOW)]
    )

    assert quick is not None
    assert slow is not None
    assert slow.level > quick.level + 1.0


def test_machine_that_comes_back_with_other_hardware_is_asked_about_as_such(
    layer: FromOthers,
) -> None:
    asked = [query("a/cpu0", shape=(640_000, 3))]
    levels = []
    for fingerprint in (QUICK.name, SLOW.name):
        layer.learn_machine(machine("a/cpu0", fingerprint))
        (found,) = layer.believe(asked)
        assert found is not None
        levels.append(found.level)

    assert levels[1] > levels[0] + 1.0
