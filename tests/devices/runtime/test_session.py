"""Sessions on the CPU: types are checked, nodes are counted, runs can be stopped."""

from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from onnx import TensorProto

from devices.catalogue import provider
from devices.runtime.engines.engine import Stop
from devices.runtime.errors import ProviderRefused, RunFailed, RunStopped
from devices.runtime.session import Session, open_session
from scheduler.model.errors import InvalidTensor
from scheduler.model.messages import Verdict
from tests import onnx_models as onnx

CPU = provider("cpu")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return open_session(onnx.save(onnx.relu(), tmp_path), CPU)


def test_a_run_gives_outputs_by_name(session: Session) -> None:
    given = np.array([[-1, 0, 1, 2]], dtype=np.float32)
    assert session.run({"x": given})["y"].tolist() == [[0, 0, 1, 2]]


def test_a_session_tells_its_types_its_coverage_and_its_cost(session: Session) -> None:
    x = session.input_types["x"]
    assert (x.dtype, x.shape) == ("float32", ("N", 4))
    assert session.coverage == 1.0
    assert session.assigned == {"CPUExecutionProvider": 1}
    assert session.load_us > 0


def test_only_the_wanted_outputs_are_given(tmp_path: Path) -> None:
    nodes = [onnx.node("Relu", "x", "y"), onnx.node("Neg", "x", "z")]
    session = open_session(onnx.save(onnx.model(nodes, outputs=("y", "z")), tmp_path), CPU)
    assert list(session.run({"x": np.zeros((1, 4), dtype=np.float32)}, ["z"])) == ["z"]


@pytest.mark.parametrize("threads", [1, 2])
def test_denormal_numbers_count_as_zero_in_a_run_and_nowhere_else(
    tmp_path: Path, threads: int
) -> None:
    nodes = [onnx.node("Add", "x x", "y")]
    session = open_session(onnx.save(onnx.model(nodes), tmp_path), CPU, threads=threads)
    given = np.full((1, 4), 1e-40, dtype=np.float32)
    assert session.run({"x": given})["y"].tolist() == [[0.0, 0.0, 0.0, 0.0]]
    assert (given + given > 0).all()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "inputs must be x; got none"),
        ({"z": np.zeros((1, 4), dtype=np.float32)}, "inputs must be x; got z"),
        ({"x": np.zeros((1, 4))}, r"inputs\['x'\] must be float32; got float64"),
        ({"x": np.zeros(4, dtype=np.float32)}, r"must have shape \[\?, 4\]; got \[4\]"),
        ({"x": np.zeros((1, 5), dtype=np.float32)}, r"must have shape \[\?, 4\]; got \[1, 5\]"),
    ],
)
def test_inputs_that_do_not_fit_are_answered_with_the_law(
    session: Session, inputs: dict[str, onnx.Array], message: str
) -> None:
    with pytest.raises(InvalidTensor, match=message):
        session.run(inputs)


def test_strings_go_in_and_out(tmp_path: Path) -> None:
    model = onnx.model([onnx.node("Identity", "x", "y")], dtype=TensorProto.STRING)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING
    session = open_session(onnx.save(model, tmp_path), CPU)
    words = np.array([["a", "b", "c", "d"]], dtype=object)
    assert session.run({"x": words})["y"].tolist() == words.tolist()


def test_a_model_that_raises_fails_the_run_and_not_the_session(tmp_path: Path) -> None:
    model = onnx.model(
        [onnx.node("Gather", "table x", "y")],
        inputs={"x": ["N"]},
        dtype=TensorProto.INT64,
        constants={"table": np.ones(3, dtype=np.float32)},
    )
    session = open_session(onnx.save(model, tmp_path), CPU)
    with pytest.raises(RunFailed, match=r"cpu: .*out of"):
        session.run({"x": np.array([99])})
    assert session.run({"x": np.array([0])})["y"].tolist() == [1]


def test_a_file_that_does_not_load_is_refused_with_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(ProviderRefused, match="cpu fails to load it") as refused:
        open_session(path, CPU)
    assert refused.value.verdict is Verdict.FAILED


def test_a_provider_that_is_not_installed_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ProviderRefused, match=r"exists on Windows only") as refused:
        open_session(onnx.save(onnx.relu(), tmp_path), provider("directml"))
    assert refused.value.verdict is Verdict.NOT_INSTALLED


def test_a_stop_that_is_set_before_the_run_stops_it(session: Session) -> None:
    given = {"x": np.zeros((1, 4), dtype=np.float32)}
    stop = Stop()
    stop.set()
    with pytest.raises(RunStopped):
        session.run(given, stop=stop)
    assert session.run(given)["y"].shape == (1, 4)


def test_a_run_is_stopped_from_another_thread_and_the_session_lives_on(tmp_path: Path) -> None:
    session = open_session(onnx.save(onnx.mlp(layers=40, width=128), tmp_path), CPU)
    given = {"x": np.ones((4, 128), dtype=np.float32)}
    before = session.run(given)["y"]
    ended: list[RunStopped] = []

    def run_until_stopped() -> None:
        try:
            while True:
                session.run(given)
        except RunStopped as stopped:
            ended.append(stopped)

    thread = Thread(target=run_until_stopped, daemon=True)
    thread.start()
    for _ in range(1000):
        assert session.terminate()
        thread.join(timeout=0.01)
        if not thread.is_alive():
            break
    assert ended
    assert np.array_equal(session.run(given)["y"], before)


def test_file_of_a_newer_exporter_loads_where_its_opset_allows(tmp_path: Path) -> None:
    model = onnx.relu()
    model.ir_version = 99
    session = open_session(onnx.save(model, tmp_path), CPU)
    given = np.array([[-1, 0, 1, 2]], dtype=np.float32)
    assert session.run({"x": given})["y"].tolist() == [[0, 0, 1, 2]]


def test_opset_that_is_too_new_is_refused_with_the_one_to_export(tmp_path: Path) -> None:
    model = onnx.relu()
    model.ir_version, model.opset_import[0].version = 99, 999
    with pytest.raises(ProviderRefused, match=r"takes opsets of ai\.onnx up to \d+; got 999"):
        open_session(onnx.save(model, tmp_path), CPU)


def test_input_in_another_byte_order_is_refused(session: Session) -> None:
    with pytest.raises(InvalidTensor, match="must be in the byte order of this computer; got >f4"):
        session.run({"x": np.zeros((1, 4), dtype=">f4")})
