from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from api.cli.app import run
from cost_models.learned import artifact_from
from cost_models.profiles.store import Store, read
from tests.cost_models import world

Cost = Callable[..., Any]


@pytest.fixture
def cost(capsys: pytest.CaptureFixture[str]) -> Cost:
    def call(*arguments: str | Path, code: int = 0) -> Any:
        assert run(["cost", *map(str, arguments), "--json"]) == code
        out, err = capsys.readouterr()
        return json.loads(out) if code == 0 else err

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Store(tmp_path / "rows", "box").append(world.rows(families=range(5), each=3))
    return tmp_path / "rows"


def test_first_model_is_written_and_says_what_it_was_trained_on(
    cost: Cost, folder: Path, tmp_path: Path
) -> None:
    said = cost("train", folder, "--into", tmp_path / "model", "--seed", "3")

    kept = artifact_from((tmp_path / "model").read_bytes())
    assert (said["replaced"], said["champion"]) == (True, "roofline")
    assert said["digest"] == kept.digest
    assert not set(said["held_out_families"]) & set(kept.families)


def test_training_again_with_the_same_seed_gives_the_same_file(
    cost: Cost, folder: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        cost("train", folder, "--into", tmp_path / name, "--seed", "3")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_corrupted_model_is_told_and_replaced(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").write_bytes(b"fjord-cost-model 1 00\n{}")

    assert run(["cost", "train", str(folder), "--into", str(tmp_path / "model")]) == 0

    assert "is no champion" in capsys.readouterr().err
    assert artifact_from((tmp_path / "model").read_bytes()).rows > 0


def test_evaluation_has_the_noise_the_model_and_all_baselines(cost: Cost, folder: Path) -> None:
    said = cost("evaluate", folder)

    everywhere = said["machines"][0]
    assert everywhere["machine"] == "all"
    assert everywhere["at_once"]["median_error"] > 0
    assert set(everywhere["idle"]) == {"learned", "per FLOP", "roofline", "operator sum"}
    assert set(everywhere["loaded"]) == set(everywhere["idle"])
    assert said["speed"]["ms"] > 0
    assert said["speed"]["correction_us"] > 0


def test_evaluation_prints_the_noise_first(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cost", "evaluate", str(folder)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "all:"
    assert lines[2].startswith("noise")


def test_folders_are_merged_without_doubles(cost: Cost, folder: Path, tmp_path: Path) -> None:
    both = [folder, folder]

    said = cost("merge", *both, "--into", tmp_path / "all")

    assert said["added"] == said["rows"] == len(read(folder).measurements)
    assert said["data_digest"] == read(folder).digest


def test_export_is_a_table_with_a_column_per_feature(
    cost: Cost, folder: Path, tmp_path: Path
) -> None:
    cost("export", folder, tmp_path / "rows.parquet")

    table = pyarrow.parquet.read_table(tmp_path / "rows.parquet")
    rows = read(folder).measurements
    assert table.num_rows == len(rows)
    assert table["graph.flops"].to_pylist() == [row.graph["flops"] for row in rows]
    assert table["samples_us"].to_pylist()[0] == list(rows[0].samples_us)


def test_unusable_rows_are_told_by_file_and_line(cost: Cost, folder: Path, tmp_path: Path) -> None:
    with (folder / "box.jsonl").open("a") as segment:
        segment.write("{}\n")

    said = cost("train", folder, "--into", tmp_path / "model", code=2)

    assert "box.jsonl line 136: version must be 1; got None" in " ".join(said.split())


def test_empty_folder_cannot_be_exported(cost: Cost, tmp_path: Path) -> None:
    assert "to export; got none" in cost("export", tmp_path, tmp_path / "x.parquet", code=2)
