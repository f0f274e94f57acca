"""A real worker process, spoken to over its socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from devices.worker.protocol import (
    Cancel,
    Execute,
    ExecuteFailed,
    ExecuteFinished,
    Unload,
    Warm,
)
from scheduler.model.messages import FailureReason, Work, WorkKind
from tests.devices.worker.spoken import CORE, Worker, ones
from tests.onnx_models import model, node, save

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(tmp_path_factory.mktemp("worker"))
    yield worker
    worker.end()


def call(name: str, **params: Any) -> Work:
    return Work(kind=WorkKind.FUNCTION, name=name, params=params)


def net(*outputs: str) -> Work:
    return Work(kind=WorkKind.MODEL, name="net", digest="d" * 64, outputs=outputs)


@pytest.fixture
def doubles(tmp_path: Path) -> Path:
    return save(model([node("Add", "x x", "y")]), tmp_path)


def test_it_is_pinned_before_anything_loads(worker: Worker) -> None:
    worker.execute(call("arg_max"), scores=ones(2))
    process = psutil.Process(worker.process.pid)
    assert all(psutil.Process(thread.id).cpu_affinity() == [CORE] for thread in process.threads())


def test_a_function_gives_its_outputs_under_the_operation_and_attempt(worker: Worker) -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    done = worker.execute(call("resize_normalise"), image=image)
    assert isinstance(done, ExecuteFinished)
    assert done.outputs["tensor"].tensors[0].key == "r-1/op[0].1.tensor.0"
    assert done.started_us + done.compute_us <= done.ended_us
    assert (np.asarray(worker.store.get(done.outputs["tensor"])) == -1).all()


def test_a_session_is_made_once(worker: Worker, doubles: Path) -> None:
    first = worker.execute(net(), doubles, x=np.ones((2, 4), np.float32))
    second = worker.execute(net("y"), doubles, x=ones(4))
    assert isinstance(first, ExecuteFinished)
    assert isinstance(second, ExecuteFinished)
    assert first.load_us > 0
    assert second.load_us == 0
    assert np.asarray(worker.store.get(second.outputs["y"])).tolist() == [[2.0] * 4]


def test_nan_is_refused_where_a_number_would_come_of_it(worker: Worker, doubles: Path) -> None:
    given = ones(4)
    given[0, 2] = np.nan
    worker.send(
        Execute(
            operation="r-1/op[0]",
            attempt=1,
            run="r-1",
            provider="cpu",
            work=net(),
            inputs={"x": worker.value(given)},
            model_path=str(doubles),
            hides_nan="Relu 'r'",
        )
    )
    failed = worker.receive()
    assert isinstance(failed, ExecuteFailed)
    # Another machine may keep it, so this one alone is left out.
    assert failed.reason is FailureReason.ERROR
    assert "inputs['x'] holds a NaN, of which cpu makes a number at Relu 'r'" in failed.message


def test_a_model_that_was_measured_is_loaded(worker: Worker, tmp_path: Path) -> None:
    path = save(model([node("Add", "x x", "y")]), tmp_path)
    params = {"shapes": {"x": [1, 4]}, "repeats": 1}
    measuring = Work(kind=WorkKind.PROFILE, name="net", digest="e" * 64, params=params)
    measured = worker.execute(measuring, path)
    assert isinstance(measured, ExecuteFinished)
    assert measured.load_us > 0
    running = Work(kind=WorkKind.MODEL, name="net", digest="e" * 64, outputs=("y",))
    done = worker.execute(running, path, x=ones(4))
    assert isinstance(done, ExecuteFinished)
    assert done.load_us == 0


@pytest.mark.parametrize(
    ("work", "inputs", "reason", "message"),
    [
        (call("nope"), {}, FailureReason.ERROR, "UnknownName: function must be one of"),
        (call("top_k", k=0), {"scores": ones(1)}, FailureReason.INVALID, "top_k"),
        (
            call("arg_max"),
            {"scores": ones(1).astype(int)},
            FailureReason.INVALID,
            "dtype must be float32",
        ),
        (net(), {"z": ones(4)}, FailureReason.INVALID, "inputs must be x; got z"),
        (net(), {"x": ones(5)}, FailureReason.INVALID, "shape"),
    ],
    ids=["no function", "parameter", "type", "name", "shape"],
)
def test_what_cannot_be_run_says_why_and_the_worker_goes_on(
    worker: Worker,
    doubles: Path,
    work: Work,
    inputs: dict[str, Any],
    reason: FailureReason,
    message: str,
) -> None:
    failed = worker.execute(work, doubles, **inputs)
    assert isinstance(failed, ExecuteFailed)
    assert failed.reason is reason
    assert message in failed.message


def test_an_input_that_is_gone_is_lost(worker: Worker) -> None:
    worker.store.inline_bytes = 0
    value = worker.value(ones(3))
    worker.store.inline_bytes = 4096
    worker.store.path(value.tensors[0].key).unlink()
    worker.send(
        Execute(
            operation="r-1/op",
            attempt=1,
            run="r-1",
            provider="cpu",
            work=call("arg_max"),
            inputs={"scores": value},
        )
    )
    failed = worker.receive()
    assert isinstance(failed, ExecuteFailed)
    assert failed.reason is FailureReason.INPUT_LOST


def test_a_model_that_does_not_load_is_the_providers_refusal(
    worker: Worker, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    work = Work(kind=WorkKind.MODEL, name="net", digest="broken")
    worker.send(Warm(digest="broken", provider="cpu", model_path=str(broken)))
    failed = worker.execute(work, broken, x=ones(4))
    assert isinstance(failed, ExecuteFailed)
    assert failed.reason is FailureReason.PROVIDER_REFUSED


def test_a_cancelled_operation_that_has_not_begun_is_skipped(worker: Worker, doubles: Path) -> None:
    worker.begin(call("top_k", k=1), scores=ones(2_000_000))
    worker.send(Cancel(operation="r-1/later", attempt=1))
    worker.send(
        Execute(
            operation="r-1/later",
            attempt=1,
            run="r-1",
            provider="cpu",
            work=net(),
            inputs={"x": worker.value(ones(4))},
            model_path=str(doubles),
        )
    )
    assert isinstance(worker.receive(), ExecuteFinished)
    skipped = worker.receive()
    assert isinstance(skipped, ExecuteFailed)
    assert skipped.reason is FailureReason.CANCELLED


def hungry(folder: Path, mib: int) -> Path:
    """A model that holds so much while it runs, and next to nothing before."""
    nodes = [
        node("ConstantOfShape", "shape", "big"),
        node("ReduceSum", "big", "sum", keepdims=0),
        node("Add", "x sum", "y"),
    ]
    return save(model(nodes, constants={"shape": np.array([mib * MIB // 4])}), folder)


def test_a_model_over_the_memory_of_a_worker_fails_for_it_and_the_next_one_runs(
    tmp_path: Path, doubles: Path
) -> None:
    worker = Worker(tmp_path, memory_bytes=400 * MIB)
    (tmp_path / "big").mkdir()
    failed = worker.execute(net(), hungry(tmp_path / "big", 800), x=ones(4))
    assert isinstance(failed, ExecuteFailed)
    assert failed.reason is FailureReason.OUT_OF_MEMORY
    assert f"a worker may hold {400 * MIB} bytes of memory" in failed.message
    other = Work(kind=WorkKind.MODEL, name="net", digest="e" * 64)
    assert isinstance(worker.execute(other, doubles, x=ones(4)), ExecuteFinished)
    worker.end()


def test_memory_of_a_model_that_is_gone_is_given_back(tmp_path: Path, doubles: Path) -> None:
    worker = Worker(tmp_path)
    small = Work(kind=WorkKind.MODEL, name="small", digest="e" * 64)
    worker.execute(small, doubles, x=ones(4))
    process = psutil.Process(worker.process.pid)
    before = process.memory_info().rss
    (tmp_path / "big").mkdir()
    weights = {"w": np.ones((4, 10 * MIB), np.float32)}
    nodes = [node("MatMul", "x w", "wide"), node("ReduceSum", "wide", "y", keepdims=0)]
    path = save(model(nodes, constants=weights), tmp_path / "big")
    assert isinstance(worker.execute(net(), path, x=ones(4)), ExecuteFinished)
    loaded = process.memory_info().rss
    worker.send(Unload(digest="d" * 64))
    worker.execute(small, doubles, x=ones(4))
    assert loaded > before + 150 * MIB
    assert process.memory_info().rss < before + 50 * MIB
    worker.end()


def test_it_ends_with_its_agent(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    worker.end()
    assert worker.process.returncode == 0
