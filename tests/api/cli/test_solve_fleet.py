"""Fleets, solved from a file of arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.cli.app import run

# Two operations of 4 on two equal machines, then one of 3 that takes 1 to hear of the other.
PAIR: dict[str, Any] = {
    "duration_us": np.array([[4, 0], [4, 0], [3, 9]]),
    "machines": np.array([2, 1]),
    "source": np.array([0, 1]),
    "target": np.array([2, 2]),
    "edge_us": np.array([1, 1]),
}


def fleet_file(folder: Path, **changes: Any) -> Path:
    file = folder / "fleet.npz"
    np.savez(file, **{k: v for k, v in {**PAIR, **changes}.items() if v is not None})
    return file


def test_a_fleet_is_planned_on_machines_counted_through_the_kinds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["solve", str(fleet_file(tmp_path)), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    # 4, then 1 from the machine where the last one does not run, then 3; 4 + 3 at least.
    assert (answer["value"], answer["bound"], answer["status"]) == (8, 7, "feasible")
    spans = [(row["machine"], row["start"], row["end"]) for row in answer["schedule"]]
    assert {spans[0], spans[1]} == {(0, 0, 4), (1, 0, 4)}
    assert spans[2] in {(0, 5, 8), (1, 5, 8)}


def test_people_get_a_row_per_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", str(fleet_file(tmp_path))]) == 0
    first, _, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("feasible by heft: makespan 8, bound 7 in us, gap 12.50%")
    # Eleven of the sixteen that two machines have.
    assert [row.split() for row in rows] == [["0", "2", "3", "69%"], ["1", "1", "0", "0%"]]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"machines": None}, "machines: must be there"),
        ({"machines": np.array([2])}, "machines: must have a number >= 1 per kind"),
        ({"machines": np.array([2, 0])}, "machines: must have a number >= 1 per kind"),
        ({"duration_us": np.array([[4, 0], [4, 0], [0, 0]])}, "a kind with a duration"),
        ({"duration_us": np.array([[4, 0], [4, 0], [3, -1]])}, "duration_us: must be 0 to"),
        ({"duration_us": np.ones((3, 2))}, "duration_us: must have integers in 2 dimensions"),
        ({"source": np.array([0, 3])}, "source: must be 0 to 2"),
        ({"source": np.array([0])}, "target: must be as long as source"),
        ({"edge_us": np.array([1])}, "edge_us: must have the shape"),
        ({"source": np.array([2, 1])}, "no cycle"),
    ],
)
def test_arrays_that_say_no_fleet_are_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], says: str
) -> None:
    assert run(["solve", str(fleet_file(tmp_path, **changes))]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "fleet.npz" in error


def test_a_file_that_holds_no_arrays_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fleet.npz").write_text("nothing of the sort")
    assert run(["solve", str(tmp_path / "fleet.npz")]) == 2
    assert "fleet.npz: " in capsys.readouterr().err


def test_a_fleet_has_one_objective(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", str(fleet_file(tmp_path)), "--objective", "energy"]) == 2
    assert "solver auto or heft, and makespan" in capsys.readouterr().err
