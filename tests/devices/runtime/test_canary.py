"""Distance of a result from the CPU's, and the limit of it."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from devices.catalogue import provider
from devices.runtime.canary import canary, judge
from devices.runtime.engines.engine import SessionTensor
from devices.runtime.inputs import seeded_inputs
from devices.runtime.judging.deviation import INCOMPARABLE, deviation
from devices.runtime.session import open_session
from scheduler.model.messages import Verdict
from tests import onnx_models as onnx

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("expected", "got", "error"),
    [
        ([2.0, -4.0], [2.0, -3.0], 0.25),
        ([0.0, 0.0], [0.0, 0.5], 0.5),  # nothing to be relative to
        ([1.0, NAN], [1.0, NAN], 0.0),
        ([1.0, INF], [1.0, INF], 0.0),
        ([1.0, NAN], [1.0, 1.0], INCOMPARABLE),
        ([1.0, 1.0], [1.0, NAN], INCOMPARABLE),
        ([1.0, INF], [1.0, -INF], INCOMPARABLE),
        ([1.0], [1.0, 1.0], INCOMPARABLE),
        ([], [], 0.0),
    ],
)
def test_deviation_is_relative_to_the_largest_value(
    expected: list[float], got: list[float], error: float
) -> None:
    assert deviation(np.array(expected), np.array(got)) == error


def test_deviation_of_integers_and_strings_is_the_share_that_differs() -> None:
    assert deviation(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5])) == 0.25
    assert deviation(np.array(["a", "b"], dtype=object), np.array(["a", "c"], dtype=object)) == 0.5


def test_the_verdict_names_the_worst_output_and_the_tolerance() -> None:
    expected = {"a": np.array([1.0]), "b": np.array([1.0])}
    got = {"a": np.array([1.0]), "b": np.array([0.99])}
    found = judge(expected, got, provider("openvino"))
    assert found.verdict is Verdict.WRONG
    assert found.reason.startswith("output 'b' is off by 0.01 of the largest value")
    # The same error is within the tolerance of a provider that computes in float16.
    assert judge(expected, got, provider("qnn")).verdict is Verdict.USABLE


def test_the_cpu_is_its_own_reference(tmp_path: Path) -> None:
    found = canary(onnx.save(onnx.relu(), tmp_path), provider("cpu"), shapes={"x": (1, 4)})
    assert (found.verdict, found.error) == (Verdict.USABLE, 0.0)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "bool", "string"])
def test_made_up_inputs_suit_their_type_and_repeat(dtype: str) -> None:
    types = [SessionTensor(name="x", dtype=dtype, shape=(2, 3))]
    first, second = (seeded_inputs(types, {"x": (2, 3)}, seed=5)["x"] for _ in range(2))
    assert first.shape == (2, 3)
    assert first.dtype == (object if dtype == "string" else dtype)
    assert np.array_equal(first, second)


def test_made_up_token_ids_fit_small_tables(tmp_path: Path) -> None:
    model = onnx.model(
        [onnx.node("Gather", "table x", "y")],
        inputs={"x": ["N"]},
        dtype=TensorProto.INT64,
        constants={"table": np.ones((8, 2), dtype=np.float32)},
    )
    session = open_session(onnx.save(model, tmp_path), provider("cpu"))
    assert session.run(seeded_inputs(session.inputs, {"x": (16,)}, 5))["y"].shape == (16, 2)
