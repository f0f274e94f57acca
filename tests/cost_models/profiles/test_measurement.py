import json
from dataclasses import replace
from typing import Any

import pytest

from cost_models.profiles.measurement import Measurement, measurement_from
from scheduler.model.errors import InvalidMeasurement
from scheduler.model.measuring import Kind, Load, Neighbour, Peaks

ROW = Measurement(
    digest="ab",
    family="mobilenet",
    shapes={"x": (1, 3, 8, 8)},
    graph={"flops": 1e6},
    machine="box/cpu0",
    fingerprint="x86",
    provider="cpu",
    peaks=Peaks(provider="cpu", flops_per_s={"float32": 1e10}, bytes_per_s=1e10, launch_ns=9_000),
    load=Load(neighbours=(Neighbour(kind=Kind.MEMORY, provider="cpu"),), foreign=0.25),
    samples_us=(100, 120, 90),
)


def test_row_survives_json_unchanged() -> None:
    assert measurement_from(json.loads(json.dumps(ROW.to_dict()))) == ROW


def test_same_content_has_the_same_digest_and_another_one_not() -> None:
    again = measurement_from(json.loads(json.dumps(ROW.to_dict())))

    assert again.row_digest == ROW.row_digest != replace(ROW, at_us=1).row_digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples_us": ()}, r"samples_us must not be empty; got \(\)"),
        ({"samples_us": (5, 0)}, r"samples_us\[1\] must be an integer >= 1; got 0"),
        ({"samples_us": (-3,)}, r"samples_us\[0\] must be an integer >= 1; got -3"),
        ({"samples_us": (1.5,)}, r"samples_us\[0\] must be an integer >= 1; got 1.5"),
        ({"load": Load(foreign=1.1)}, r"load.foreign must be within 0 and 1; got 1.1"),
        ({"load": Load(memory_used=float("nan"))}, r"load.memory_used must be within 0 and 1"),
        ({"load": Load(frequency=97.0)}, r"load.frequency must be within 0 and 1.5; got 97.0"),
        ({"load": Load(idle_us=-1)}, r"load.idle_us must be an integer >= 0; got -1"),
        ({"peaks": Peaks(provider="cpu", flops_per_s={"float32": 0.0})}, r"peaks.flops_per_s"),
        ({"graph": {"flops": float("inf")}}, r"graph.flops must be finite; got inf"),
        ({"batch": 0}, r"batch must be an integer >= 1; got 0"),
        ({"energy_uj": -1}, r"energy_uj must be an integer >= 0; got -1"),
        ({"source": "rumour"}, r"source must be one of profile, run, collected; got 'rumour'"),
        ({"version": 2}, r"version must be 1; got 2"),
        ({"machine": ""}, r"machine must not be empty"),
    ],
)
def test_broken_law_is_named_with_what_came(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidMeasurement, match=message):
        replace(ROW, **change)


@pytest.mark.parametrize("missing", ["samples_us", "load", "peaks", "shapes"])
def test_missing_field_is_named(missing: str) -> None:
    document = {name: value for name, value in ROW.to_dict().items() if name != missing}

    with pytest.raises(InvalidMeasurement, match=f"{missing} must be given"):
        measurement_from(document)


def test_unknown_field_is_refused() -> None:
    with pytest.raises(InvalidMeasurement, match="surprise"):
        measurement_from({**ROW.to_dict(), "surprise": 1})
