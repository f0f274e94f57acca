"""A provider is tried on integers at their edges, doubles, large values and NaN.

The provider at fault is the NPU simulator, which computes integers of 64 bits in 32, stops at 2**16
in a MatMul and knows no NaN.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto

from devices.catalogue import provider
from devices.models.tracing import data_inputs
from devices.runtime.engines.engine import SessionTensor
from devices.runtime.judging.trials import Kind, trials
from devices.runtime.profile import profile
from scheduler.model.messages import Profile, Verdict
from tests import onnx_models as onnx


def measured(model: ModelProto, folder: Path, **given: object) -> Profile:
    path = onnx.save(model, folder)
    settings: dict[str, object] = {"repeats": 1, **given}
    return profile(path, "d", provider("qnn"), "qnn0", **settings)  # type: ignore[arg-type]


def with_output(model: ModelProto, dtype: int) -> ModelProto:
    model.graph.output[0].type.tensor_type.elem_type = dtype
    return model


@pytest.mark.provider("qnn")
def test_integers_of_half_their_bits_refuse_the_provider_by_operator(tmp_path: Path) -> None:
    model = onnx.model(
        [onnx.node("Add", "x x", "y")], inputs={"x": [1, 20]}, dtype=TensorProto.INT64
    )
    found = measured(with_output(model, TensorProto.INT64), tmp_path)
    assert found.verdict is Verdict.WRONG
    assert "with integers at the edges of their type: output 'y'" in found.reason
    assert "first at Add 'Add y'" in found.reason


@pytest.mark.provider("qnn")
def test_sums_that_saturate_refuse_the_provider(tmp_path: Path) -> None:
    model = onnx.model(
        [onnx.node("Abs", "x", "a"), onnx.node("MatMul", "a w", "y")],
        inputs={"x": [1, 4096]},
        constants={"w": np.ones((4096, 1), dtype=np.float32)},
    )
    found = measured(model, tmp_path)
    assert (found.verdict, "with values up to 255" in found.reason) == (Verdict.WRONG, True)
    assert "first at MatMul 'MatMul y'" in found.reason


@pytest.mark.provider("qnn")
def test_operator_that_makes_a_number_of_nan_is_named_and_the_provider_stays(
    tmp_path: Path,
) -> None:
    found = measured(onnx.model([onnx.node("Relu", "x", "y")], inputs={"x": [1, 4]}), tmp_path)
    assert (found.verdict, found.hides_nan) == (Verdict.USABLE, "Relu 'Relu y'")
    assert "a NaN becomes a number at Relu" in found.note


@pytest.mark.provider("qnn")
def test_values_behind_an_arg_max_are_compared(tmp_path: Path) -> None:
    # All scores stop at 2**16: the largest stays the first, and only the scores tell.
    weights = np.array([[3.0, 2.0]], dtype=np.float32).repeat(4096, axis=0)
    model = onnx.model(
        [
            onnx.node("Abs", "x", "a"),
            onnx.node("MatMul", "a w", "scores"),
            onnx.node("ArgMax", "scores", "y", axis=1),
        ],
        inputs={"x": [1, 4096]},
        constants={"w": weights},
    )
    found = measured(with_output(model, TensorProto.INT64), tmp_path)
    assert found.verdict is Verdict.WRONG
    assert "output 'scores'" in found.reason


def test_profile_tells_the_versions_of_the_runtime_and_the_provider(tmp_path: Path) -> None:
    path = onnx.save(onnx.relu(), tmp_path)
    found = profile(path, "d", provider("cpu"), "cpu0", repeats=1)
    assert found.runtime == found.plug_in != ""


@pytest.mark.parametrize(
    ("nodes", "found"),
    [
        ([onnx.node("Add", "x x", "y")], {"x"}),
        ([onnx.node("Gather", "table x", "y")], set()),
        ([onnx.node("Cast", "x", "a", to=1), onnx.node("MatMul", "a table", "y")], {"x"}),
        (
            [
                onnx.node("Cast", "x", "a", to=1),
                onnx.node("Cast", "a", "b", to=7),
                onnx.node("Gather", "table b", "y"),
            ],
            set(),
        ),
    ],
)
def test_integers_that_are_indices_are_left_as_they_are(
    nodes: list[object], found: set[str]
) -> None:
    model = onnx.model(
        nodes,  # type: ignore[arg-type]
        inputs={"x": [1, 4]},
        constants={"table": np.ones((4, 4), dtype=np.float32)},
        dtype=TensorProto.INT64,
    )
    assert data_inputs(model) == found


def test_examples_keep_their_values_in_every_trial() -> None:
    types = [
        SessionTensor(name="x", dtype="float32", shape=(2,)),
        SessionTensor(name="rate", dtype="float64", shape=()),
    ]
    inputs = {"x": np.array([0.5, 1.0], dtype=np.float32), "rate": np.array(16_000.0)}
    made = {t.kind: t.inputs for t in trials(types, inputs, fixed={"rate"}, data=set())}
    assert set(made) == {Kind.LARGE, Kind.NAN}
    assert all(given["rate"] == 16_000.0 for given in made.values())
    assert made[Kind.LARGE]["x"].tolist() == [127.5, 255.0]
