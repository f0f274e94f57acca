import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cost_models.profiles import parquet
from cost_models.profiles.measurement import Measurement
from cost_models.profiles.store import Store, merge, read, read_all
from scheduler.model.errors import InvalidMeasurement
from tests.cost_models import world


def row(at_us: int = 0, **changes: Any) -> Measurement:
    base = Measurement(digest="ab", machine="box/cpu0", provider="cpu", samples_us=(100, 110))
    return replace(base, at_us=at_us, **changes)


def test_what_was_appended_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    store = Store(tmp_path / "new", "box")

    store.append([row(2), row(1)])
    store.append([row(3)])

    assert [each.at_us for each in read(tmp_path / "new").measurements] == [1, 2, 3]


def test_line_cut_off_by_a_crash_is_left_out_and_told(tmp_path: Path) -> None:
    Store(tmp_path, "box").append([row(1), row(2)])
    segment = tmp_path / "box.jsonl"
    segment.write_bytes(segment.read_bytes()[:-10])

    found = read(tmp_path)

    assert [each.at_us for each in found.measurements] == [1]
    assert found.warnings == ("box.jsonl line 2 was cut off while it was written; left out",)


def test_writer_goes_on_after_a_crash_where_the_whole_lines_end(tmp_path: Path) -> None:
    Store(tmp_path, "box").append([row(1), row(2)])
    segment = tmp_path / "box.jsonl"
    segment.write_bytes(segment.read_bytes()[:-10])

    Store(tmp_path, "box").append([row(3)])

    assert [each.at_us for each in read(tmp_path).measurements] == [1, 3]
    assert read(tmp_path).warnings == ()


def without_durations(document: dict[str, Any]) -> None:
    del document["samples_us"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.update(version=2), r"box.jsonl line 2: version must be 1; got 2"),
        (lambda d: d.pop("version"), r"box.jsonl line 2: version must be 1; got None"),
        (lambda d: d.update(samples_us=[-4]), r"line 2: samples_us\[0\] must be .* >= 1; got -4"),
        (without_durations, r"box.jsonl line 2: samples_us must be given; got none"),
        (lambda d: d["load"].update(frequency=1e9), r"line 2: load.frequency must be within"),
        (lambda d: d.update(extra=1), r"line 2: row must have the fields of version 1"),
    ],
)
def test_unusable_row_is_refused_by_file_and_line(
    spoil: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    document = row(2).to_dict()
    spoil(document)
    good = json.dumps(row(1).to_dict())
    (tmp_path / "box.jsonl").write_text(f"{good}\n{json.dumps(document)}\n")

    with pytest.raises(InvalidMeasurement, match=message):
        read(tmp_path)


@pytest.mark.parametrize("line", ["not json", "[1]"])
def test_line_that_is_no_object_is_refused_by_file_and_line(line: str, tmp_path: Path) -> None:
    (tmp_path / "box.jsonl").write_text(f"{line}\n")

    with pytest.raises(InvalidMeasurement, match=r"box.jsonl line 1: must be"):
        read(tmp_path)


def test_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidMeasurement, match="which is no folder"):
        read(tmp_path / "nowhere")


def test_folders_of_two_boxes_merge_without_doubles(tmp_path: Path) -> None:
    Store(tmp_path / "a", "a").append([row(1), row(2)])
    Store(tmp_path / "b", "b").append([row(2), row(3)])

    added = [merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all") for _ in range(2)]

    assert added == [3, 0]
    assert [each.at_us for each in read(tmp_path / "all").measurements] == [1, 2, 3]


def test_merge_with_an_unusable_row_writes_nothing(tmp_path: Path) -> None:
    Store(tmp_path / "a", "a").append([row(1)])
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "b.jsonl").write_text("{}\n")

    with pytest.raises(InvalidMeasurement, match=r"b.jsonl line 1"):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all")

    assert not (tmp_path / "all").exists()


def test_digest_of_data_depends_on_the_rows_and_not_on_where_they_lie(tmp_path: Path) -> None:
    Store(tmp_path / "a", "a").append([row(1), row(2)])
    Store(tmp_path / "b", "x").append([row(2)])
    Store(tmp_path / "b", "y").append([row(1)])

    assert read(tmp_path / "a").digest == read(tmp_path / "b").digest
    assert read(tmp_path / "a").digest != read_all([tmp_path / "a"]).measurements[0].row_digest


def test_rows_come_back_from_a_parquet_file_as_they_went_in(tmp_path: Path) -> None:
    rows = tuple(world.rows(families=range(2), each=1))
    parquet.export(rows, tmp_path / "rows.parquet")
    assert parquet.load(tmp_path / "rows.parquet") == rows
