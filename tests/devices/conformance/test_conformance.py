"""One contract for every provider that discovery finds usable on this computer."""

from collections.abc import Callable
from typing import Any

import pytest

from devices.catalogue import ONNX_RUNTIME, provider
from scheduler.model.messages import Verdict

pytestmark = pytest.mark.provider

Ask = Callable[[str], Any]
WRONG_BY_NATURE = {("webgpu", "conv_33_channels")}
"""Known to be wrong (onnxruntime-ep-webgpu 0.4.0): the canary must catch them."""


def _refusal(name: str) -> Verdict:
    """Another engine than ONNX Runtime has no CPU provider to fall back to."""
    is_alone = provider(name).engine != ONNX_RUNTIME
    return Verdict.UNSUPPORTED if is_alone else Verdict.FELL_BACK


@pytest.mark.parametrize(
    "model", ["conv_net", "mlp", "transformer", "ocr_orientation", "conv_33_channels"]
)
def test_results_equal_the_cpu_or_are_caught(name: str, model: str, ask: Ask) -> None:
    found = ask(f"equals_cpu {model}")
    wrong = (name, model) in WRONG_BY_NATURE
    assert found["verdict"] == (Verdict.WRONG if wrong else Verdict.USABLE), found["reason"]
    assert (found["error"] <= provider(name).tolerance) is not wrong
    assert found["coverage"] == 1.0
    assert min(found["samples_us"]) >= 1
    assert found["load_us"] > 0


def test_a_model_of_dynamic_batch_runs_at_several_batches(name: str, ask: Ask) -> None:
    for found in ask("batches"):
        assert found["verdict"] == Verdict.USABLE
        assert found["error"] <= provider(name).tolerance


def test_a_model_that_only_the_cpu_takes_is_refused_elsewhere(name: str, ask: Ask) -> None:
    expected = "opened" if name == "cpu" else _refusal(name)
    assert ask("alien")["verdict"] == expected


def test_a_part_on_the_cpu_is_reported_and_refused_where_all_is_wanted(name: str, ask: Ask) -> None:
    part, whole = ask("partly alien"), ask("partly alien, all wanted")
    if name == "cpu":
        assert part["coverage"] == 1.0
        assert whole["verdict"] == "opened"
    elif provider(name).engine != ONNX_RUNTIME:
        assert part["verdict"] == whole["verdict"] == Verdict.UNSUPPORTED
        assert "Scaler" in part["reason"]
    else:
        assert 0.0 < part["coverage"] < 1.0
        assert whole["verdict"] == Verdict.FELL_BACK


def test_a_run_stops_where_the_row_says_so_and_the_session_lives_on(name: str, ask: Ask) -> None:
    found = ask("stops")
    assert found["heeds"] is provider(name).terminates
    assert found["stopped"] is provider(name).terminates
    assert found["error_after"] == 0.0


def test_a_stop_that_is_set_first_stops_every_provider(ask: Ask) -> None:
    assert ask("stops before it begins") is True


def test_a_wrong_shape_is_answered_with_the_right_one(name: str, ask: Ask) -> None:
    # A provider of static shapes knows no open axis.
    assert ask("refuses shapes") == "inputs['x'] must have shape [4, 64]; got [5]"
