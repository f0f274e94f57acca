"""A profile measures within its budget, and tells a fault instead of raising it."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from devices.catalogue import provider
from devices.runtime.profile import profile
from scheduler.model.errors import InvalidModel
from scheduler.model.messages import Verdict
from tests import onnx_models as onnx

CPU = provider("cpu")
TICK_NS = 5_000_000
MIB = 1 << 20


def test_a_profile_has_durations_load_memory_and_coverage(tmp_path: Path) -> None:
    path = onnx.save(onnx.mlp(batch="N"), tmp_path)
    found = profile(path, "d", CPU, "a/cpu0", repeats=4)
    assert (found.verdict, found.coverage, found.error) == (Verdict.USABLE, 1.0, 0.0)
    assert (found.digest, found.machine, found.provider) == ("d", "a/cpu0", "cpu")
    assert found.shapes == {"x": (1, 64)}
    assert len(found.samples_us) == 4
    assert min(found.samples_us) >= 1
    assert found.load_us > 0


def test_weights_stay_resident_after_the_warm_runs(tmp_path: Path) -> None:
    # 64 MiB: an allocation that is never served from memory that older ones gave back.
    model = onnx.model(
        [onnx.node("MatMul", "x w", "y")],
        inputs={"x": [1, 4096]},
        constants={"w": np.ones((4096, 4096), np.float32)},
    )
    found = profile(onnx.save(model, tmp_path), "d", CPU, "m", repeats=2)
    assert 48 * MIB < found.resident_bytes <= found.peak_bytes


def test_the_budget_ends_the_measuring(tmp_path: Path) -> None:
    # Each run lasts one tick of this clock, 5 ms: 20 ms are used up by the fourth.
    clock = count(step=TICK_NS)
    path = onnx.save(onnx.relu(), tmp_path)
    found = profile(path, "d", CPU, "m", budget_us=20_000, clock=lambda: next(clock))
    assert found.samples_us == (5_000,) * 4


def test_one_run_is_measured_whatever_it_takes(tmp_path: Path) -> None:
    clock = count(step=TICK_NS)
    path = onnx.save(onnx.relu(), tmp_path)
    found = profile(path, "d", CPU, "m", budget_us=1, clock=lambda: next(clock))
    assert found.samples_us == (5_000,)


def test_a_provider_that_is_missing_is_a_verdict(tmp_path: Path) -> None:
    found = profile(onnx.save(onnx.relu(), tmp_path), "d", provider("coreml"), "m")
    assert found.verdict is Verdict.NOT_INSTALLED
    assert "Darwin" in found.reason
    assert found.samples_us == ()


def test_a_model_that_raises_on_made_up_inputs_is_a_verdict(tmp_path: Path) -> None:
    # Token ids up to 7 into a table of one row.
    model = onnx.model(
        [onnx.node("Gather", "table x", "y")],
        inputs={"x": [8]},
        dtype=TensorProto.INT64,
        constants={"table": onnx.weights(0, 1, 2)},
    )
    found = profile(onnx.save(model, tmp_path), "d", CPU, "m")
    assert found.verdict is Verdict.FAILED
    assert "out of" in found.reason
    assert found.reason == " ".join(found.reason.split()), "a reason is one line"


def test_shapes_that_do_not_fit_are_the_callers_fault(tmp_path: Path) -> None:
    path = onnx.save(onnx.relu(), tmp_path)
    with pytest.raises(InvalidModel, match=r"shapes\.x must fit \[N, 4\]"):
        profile(path, "d", CPU, "m", {"x": (1, 5)})
