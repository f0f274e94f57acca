"""Networks to place, split by the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from api.cli.app import run

KEYS = [
    "status",
    "objective",
    "value",
    "bound",
    "gap",
    "elapsed_s",
    "solver",
    "found_by",
    "schedule",
    "trace",
]
BERT = Path(__file__).parents[2] / "data" / "instances" / "dnn_placement" / "bert24_inference.json"


def test_a_network_to_place_is_split_for_its_latency(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", str(BERT), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == KEYS
    assert (answer["objective"], answer["status"]) == ("latency", "optimal")
    assert answer["value"] == pytest.approx(100.2185, abs=5e-4)
    assert {row["machine"] for row in answer["schedule"]} == {0, 1, 2}
    numbers = {node["id"] for node in json.loads(BERT.read_text())["nodes"]}
    assert {row["operation"] for row in answer["schedule"]} == numbers


def test_the_greatest_load_of_a_network_is_asked_for_by_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["solve", str(BERT), "--objective", "max_load"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"optimal by auto: max load [\d.]+, bound [\d.]+ in ms, gap 0.00%", shown)
    assert re.search(r"^accelerator 0 +\d+ +[\d.]+ +\d+%", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--objective", "latency"], "'latency' must have a network to place; got fjsp"),
        (["--objective", "beauty"], "'latency', 'max_load'"),
    ],
)
def test_a_shop_has_no_latency(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    shop = tmp_path / "shop.fjs"
    shop.write_text("1 1\n1  1 1 7\n")
    assert run(["solve", str(shop), *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_split_is_not_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", str(BERT), "--gantt", "plan.svg"]) == 2
    assert "latency must be without --gantt" in capsys.readouterr().err
