"""Time per operator comes from a session of its own, with a remark on the gaps."""

from pathlib import Path
from typing import Any

import pytest

from devices.catalogue import provider
from devices.runtime.operators import summarise
from devices.runtime.profile import profile
from scheduler.model.messages import Verdict
from tests import onnx_models as onnx

CPU = provider("cpu")


def test_each_node_of_a_model_has_its_kernel_time(tmp_path: Path) -> None:
    path = onnx.save(onnx.mlp(batch="N"), tmp_path)
    found = profile(path, "d", CPU, "a/cpu0", repeats=2, operators=True)
    assert found.verdict is Verdict.USABLE
    assert len(found.operators) >= 2
    assert {row.provider for row in found.operators} == {"CPUExecutionProvider"}
    assert all(row.calls == 1 for row in found.operators)
    assert found.operators_note == ""


def test_operators_are_measured_only_when_asked_for(tmp_path: Path) -> None:
    path = onnx.save(onnx.relu(), tmp_path)
    assert profile(path, "d", CPU, "a/cpu0", repeats=2).operators == ()


@pytest.mark.provider("openvino")
def test_a_provider_that_compiles_the_graph_shows_its_own_kernels_or_says_so(
    tmp_path: Path,
) -> None:
    path = onnx.save(onnx.mlp(), tmp_path)
    found = profile(path, "d", provider("openvino"), "a/cpu0", repeats=2, operators=True)
    assert found.operators
    assert "compiles the graph" in found.operators_note


def _event(cat: str, name: str, at_us: int, took_us: int = 0, **args: Any) -> dict[str, Any]:
    return {"cat": cat, "name": name, "ts": at_us, "dur": took_us, "args": args}


def test_the_first_run_is_not_counted_and_the_rest_is_a_mean() -> None:
    events = [
        event
        for run, took_us in enumerate((900, 10, 13))
        for event in (
            _event("Session", "model_run", run * 1_000),
            _event("Node", "c_nchwc_kernel_time", run * 1_000 + 1, took_us, op_name="Conv"),
        )
    ]
    (row,), _ = summarise(events, 2)
    assert (row.name, row.op_type, row.kernel_ns, row.calls) == ("c", "Conv", 11_500, 1)


def test_a_piece_without_an_inside_is_named_as_such() -> None:
    piece = _event(
        "Node",
        "piece_kernel_time",
        1,
        50,
        op_name="QNNExecutionProvider_1",
        provider="QNNExecutionProvider",
    )
    rows, note = summarise([_event("Session", "model_run", 0), piece], 1)
    assert len(rows) == 1
    assert "1 of these rows are whole pieces" in note
