"""Runs the rig on every usable provider, side by side, and prints the conformance table."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.box.host import usable_cores
from tests import onnx_models as onnx
from tests import providers

RIG = Path(__file__).with_name("rig.py")
RIG_TIMEOUT_S = 110
SHAPES = {
    "conv_net": (1, 3, 32, 32),
    "mlp": (4, 64),
    "transformer": (1, 8, 16),
    "ocr_orientation": (1, 3, 48, 192),
    "conv_33_channels": (1, 33, 8, 8),
}
_table: dict[tuple[str, str], dict[str, Any]] = {}

Ask = Callable[[str], Any]


def _write_models(folder: Path) -> None:
    models = {
        "conv_net": onnx.conv_net(),
        "mlp": onnx.mlp(),
        "transformer": onnx.transformer(),
        "conv_33_channels": onnx.convolution(33),
        "dynamic": onnx.mlp(batch="N"),
        "deep": onnx.mlp(layers=24),
        "alien": onnx.scaler(),
        "partly_alien": onnx.scaler(after="Relu"),
    }
    for name, model in models.items():
        onnx.save(model, folder, name)
    shapes = dict(SHAPES)
    real = _ocr_orientation()
    if real is None:
        del shapes["ocr_orientation"]
    else:
        (folder / "ocr_orientation.onnx").write_bytes(real.read_bytes())
    (folder / "shapes.json").write_bytes(msgspec.json.encode(shapes))


def _ocr_orientation() -> Path | None:
    """A real model that a package ships."""
    found = importlib.util.find_spec("rapidocr_onnxruntime")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0])
    return folder / "models" / "ch_ppocr_mobile_v2.0_cls_infer.onnx"


@pytest.fixture(scope="session")
def answers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """The rig's answers per usable provider, as they come."""
    folder = tmp_path_factory.mktemp("models")
    _write_models(folder)
    with ThreadPoolExecutor(max_workers=len(usable_cores())) as pool:
        # The slow ones first, so that they do not come last.
        found = providers.found(providers.known())
        usable = reversed([name for name, item in found.items() if item.is_usable])
        yield {name: pool.submit(_run_rig, name, folder) for name in usable}


def _run_rig(name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, str(RIG), name, str(folder)]
    project = str(RIG.parents[3])
    environment = {**os.environ, "PYTHONPATH": project}
    child = subprocess.run(
        command, capture_output=True, env=environment, timeout=RIG_TIMEOUT_S, check=False
    )
    lines = [msgspec.json.decode(line) for line in child.stdout.splitlines()]
    answers = {line["case"]: line["answer"] for line in lines}
    answers["stderr"] = child.stderr.decode(errors="replace")[-2000:]
    for case, answer in answers.items():
        if case.startswith("equals_cpu "):
            _table[name, case.removeprefix("equals_cpu ")] = answer
    return answers


@pytest.fixture(params=providers.known())
def name(request: pytest.FixtureRequest) -> str:
    """Each provider of the catalogue that is installed here, or has to be."""
    wanted: str = request.param
    providers.require(request.node, wanted)
    return wanted


@pytest.fixture
def ask(name: str, answers: dict[str, Future[dict[str, Any]]]) -> Ask:
    """The answer of the provider's rig to one case."""

    def answer(case: str) -> Any:
        given = answers[name].result()
        if case not in given:
            pytest.fail(f"the rig of {name} ended before {case!r}: {given['stderr']}")
        return given[case]

    return answer


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the conformance table."""
    if not _table:
        return
    terminalreporter.section("conformance")
    header = f"{'provider':16}{'model':18}{'coverage':>9}{'error':>10}{'ms':>9}  verdict"
    terminalreporter.write_line(header)
    for (name, model), answer in sorted(_table.items()):
        fastest_ms = min(answer["samples_us"], default=0) / 1000
        terminalreporter.write_line(
            f"{name:16}{model:18}{answer['coverage']:>9.0%}{answer['error']:>10.1e}"
            f"{fastest_ms:>9.2f}  {answer['verdict']}"
        )
