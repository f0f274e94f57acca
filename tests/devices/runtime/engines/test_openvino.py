"""OpenVINO by itself: it stops within a run, keeps results apart, and tells nobody."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from onnx import TensorProto

from devices.catalogue import provider
from devices.runtime.engines.engine import Stop
from devices.runtime.errors import ProviderRefused, RunFailed, RunStopped
from devices.runtime.profile import profile
from devices.runtime.session import Session, open_session
from scheduler.model.messages import Verdict
from tests import onnx_models as onnx

pytestmark = pytest.mark.provider("openvino-native")
ROW = provider("openvino-native")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return open_session(onnx.save(onnx.relu(), tmp_path), ROW)


def row_of(value: float) -> onnx.Array:
    return np.full((1, 4), value, dtype=np.float32)


def test_a_run_that_is_stopped_ends_early_and_the_next_is_whole(tmp_path: Path) -> None:
    names = ["x", *(f"t{layer}" for layer in range(1, 400)), "y"]
    nodes = [onnx.node("Softmax", before, after) for before, after in pairwise(names)]
    session = open_session(onnx.save(onnx.model(nodes, inputs={"x": [512, 512]}), tmp_path), ROW)
    given = {"x": np.ones((512, 512), dtype=np.float32)}
    before, stop, ended = session.run(given), Stop(), list[str]()

    def run() -> None:
        try:
            session.run(given, stop=stop)
        except RunStopped as stopped:
            ended.append(stopped.message)

    thread = Thread(target=run)
    thread.start()
    stop.set()
    thread.join()
    assert ended == ["the inference was stopped"]
    assert np.array_equal(session.run(given)["y"], before["y"])


def test_results_stay_what_they_are_when_the_session_runs_again(session: Session) -> None:
    first = session.run({"x": row_of(1)})["y"]
    session.run({"x": row_of(2)})
    assert first.tolist() == row_of(1).tolist()


def test_threads_that_run_a_session_at_once_get_their_own_results(session: Session) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda n: session.run({"x": row_of(n)})["y"][0, 0], range(200))
        assert list(found) == list(range(200))


def test_numbers_next_to_zero_count_as_zero_in_a_run_and_nowhere_else(tmp_path: Path) -> None:
    session = open_session(onnx.save(onnx.model([onnx.node("Add", "x x", "y")]), tmp_path), ROW)
    given = row_of(1e-40)
    assert session.run({"x": given})["y"].tolist() == [[0.0, 0.0, 0.0, 0.0]]
    assert (given + given > 0).all()


def test_a_profile_has_kernels_and_says_that_the_graph_is_compiled(tmp_path: Path) -> None:
    path = onnx.save(onnx.conv_net(), tmp_path)
    found = profile(path, "d", ROW, "a/cpu0", repeats=2, operators=True)
    assert "Convolution" in {operator.op_type for operator in found.operators}
    assert {operator.calls for operator in found.operators} == {1}
    assert found.operators_note.startswith("the provider compiles the graph")


def test_a_model_of_texts_is_refused_by_tensor_and_type(tmp_path: Path) -> None:
    model = onnx.model([onnx.node("Identity", "x", "y")], dtype=TensorProto.STRING)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING
    with pytest.raises(ProviderRefused, match="tensor 'x' is of type string") as refused:
        open_session(onnx.save(model, tmp_path), ROW)
    assert refused.value.verdict is Verdict.UNSUPPORTED


def test_a_model_that_raises_fails_the_run_and_not_the_session(tmp_path: Path) -> None:
    reshape = onnx.node("Reshape", "x shape", "y")
    path = onnx.save(onnx.model([reshape], constants={"shape": np.array([3, -1])}), tmp_path)
    session = open_session(path, ROW)
    with pytest.raises(RunFailed, match="openvino-native: "):
        session.run({"x": row_of(1)})
    assert session.run({"x": np.zeros((3, 4), dtype=np.float32)})["y"].shape == (3, 4)


def test_loading_it_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    code = "from devices.runtime.engines import openvino; openvino.core()"
    environment = os.environ | {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
