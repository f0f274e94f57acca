"""A process that times models."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.box.host import usable_cores
from devices.collecting import Ask, Runner, RunnerDied
from devices.collecting.stopwatch import LEAST_RUNS
from devices.sensing.readings import BoxReader
from tests.onnx_models import convolution, save

SHAPES: dict[str, tuple[int, ...]] = {"x": (1, 3, 8, 8)}
CORE = usable_cores()[0]


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner("cpu", (CORE,)) as runner:
        yield runner


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    path = save(convolution(3), tmp_path)
    return Ask(path=str(path), shapes=SHAPES, repeats=5, budget_us=1_000_000)


def test_the_first_runs_make_the_session_and_the_next_find_it(runner: Runner, ask: Ask) -> None:
    first, second = runner.ask(ask), runner.ask(ask)
    assert len(first.samples_us) == len(second.samples_us) == 5
    assert all(sample > 0 for sample in first.samples_us)
    assert first.load_us > 0
    assert second.load_us == 0
    assert first.pace_ns > 0


def test_without_a_budget_a_few_runs_are_made_all_the_same(runner: Runner, ask: Ask) -> None:
    poor = Ask(path=ask.path, shapes=ask.shapes, repeats=5, budget_us=0)
    assert len(runner.ask(poor).samples_us) == LEAST_RUNS


def test_it_is_pinned_to_its_cores(runner: Runner, ask: Ask) -> None:
    runner.ask(ask)
    assert runner.pid is not None
    assert os.sched_getaffinity(runner.pid) == {CORE}


def test_a_model_that_cannot_be_run_is_told_and_the_process_lives(
    runner: Runner, ask: Ask, tmp_path: Path
) -> None:
    runner.ask(ask)
    pid = runner.pid
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    broken = Ask(path=str(tmp_path / "broken.onnx"), shapes={}, repeats=1, budget_us=0)
    assert "complete ONNX file" in runner.ask(broken).refusal
    wrong = Ask(path=ask.path, shapes={"x": (1, 9, 8, 8)}, repeats=1, budget_us=0)
    assert "shapes.x must fit" in runner.ask(wrong).refusal
    assert runner.pid == pid


def test_a_spin_takes_the_core_until_the_next_request(runner: Runner, ask: Ask) -> None:
    runner.ask(ask)
    assert runner.pid is not None
    runner.spin(Path(ask.path), ask.shapes)
    box = BoxReader()
    before = box.process_us(runner.pid)
    while box.process_us(runner.pid) < before + 100_000:
        pass  # only a process that runs gets here
    assert runner.ask(ask).samples_us


def test_a_process_that_ended_is_told_and_replaced(runner: Runner, ask: Ask) -> None:
    runner.ask(ask)
    assert runner.pid is not None
    os.kill(runner.pid, signal.SIGKILL)
    with pytest.raises(RunnerDied):
        runner.ask(ask)
    assert runner.ask(ask).samples_us


def test_it_measures_what_its_provider_reaches(runner: Runner) -> None:
    peaks = runner.peaks(2_000_000)
    assert peaks.provider == "cpu"
    assert peaks.flops_per_s["float32"] > 0
