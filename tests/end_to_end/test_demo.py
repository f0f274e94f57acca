"""``fjord demo``: everything embedded, three ways measured, one file of figures."""

import json
from pathlib import Path

import pytest

from api.cli.app import run
from tests import providers

# It reads each page twelve times: long for a machine that others use as well.
pytestmark = pytest.mark.timeout(300)
KEYS = {
    "lines",
    "expected",
    "makespan_us",
    "planned_us",
    "bound_us",
    "fastest_machine_us",
    "plain_runtime_us",
    "machines",
    "violations",
}


def test_the_demonstration_reads_what_it_drew_and_writes_its_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert run(["demo", "--images", "2", "--json", str(file)]) == 0
    figures = json.loads(file.read_text())
    assert set(figures) == KEYS
    assert len(figures["lines"]) == 8
    assert figures["lines"] == figures["expected"]
    assert figures["violations"] == 0
    assert 0 < figures["bound_us"] <= figures["planned_us"]
    assert figures["machines"]
    shown = capsys.readouterr().out
    for said in ("plain ONNX Runtime", "fastest_machine", "dashboard: http://127.0.0.1:"):
        assert said in shown
    found = providers.found(["openvino"])["openvino"]
    assert (f"not used: openvino, {found.report.reason}" in shown) is not found.is_usable
