from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.history import Archive, Cursor, HistoryLimits, Reader, RunQuery
from api.history.archive import DAY_US, OtherVersion, path_of, set_aside
from api.history.misses import Cause
from api.history.queries import moment_us
from api.history.schema import PAGE_BYTES, STORIES, TABLES, VERSION
from scheduler.control.records import AttemptRecord, RunState, RunStory
from scheduler.control.records.plans import PlanFate, PlanRecord
from scheduler.model.errors import InvalidInput
from scheduler.model.messages import FailureReason
from scheduler.model.problem import Band
from tests.api.history.made import NOW_US, SECOND_US, operation, record, story, whole

WEEK = HistoryLimits(days=7, size_bytes=2**30)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive(tmp_path, WEEK) as archive:
        yield archive


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def plan(at_us: int = NOW_US) -> PlanRecord:
    return PlanRecord(
        at_us=at_us,
        version=3,
        source="tabu",
        verdict=PlanFate.ACCEPTED,
        makespan_us=500,
        bound_us=400,
    )


def test_archive_that_is_being_made_has_nothing_yet(tmp_path: Path, reader: Reader) -> None:
    path_of(tmp_path).parent.mkdir()
    path_of(tmp_path).touch()
    assert reader.find(RunQuery(), 10) == []
    assert reader.run("r-1") is None


def test_run_comes_back_with_its_operations(archive: Archive, reader: Reader) -> None:
    kept = record()
    done = operation(kept.run)
    archive.add([whole(kept, [done])])
    assert reader.run(kept.run) == replace(kept, operations=(done,))
    assert reader.summary(kept.run) == kept
    assert reader.find(RunQuery(), 10) == [kept]


def test_story_comes_back_and_goes_with_its_run(
    tmp_path: Path, archive: Archive, reader: Reader
) -> None:
    old, new, untold = record(), record(NOW_US + DAY_US), record(NOW_US + DAY_US)
    archive.add([whole(each, told=story(each)) for each in (old, new)] + [whole(untold)])
    assert reader.story(old.run) == story(old)
    assert reader.story(untold.run) == RunStory(run=untold.run, submitted_us=untold.submitted_us)
    assert reader.story("r-1") is None
    archive.keep_within(NOW_US + 7 * DAY_US + 2 * SECOND_US)
    assert reader.story(old.run) is None
    assert reader.story(new.run) == story(new)
    with contextlib.closing(sqlite3.connect(path_of(tmp_path))) as db:
        assert db.execute("SELECT count(*) FROM stories").fetchone() == (1,)


def test_story_counts_for_the_size_of_its_run(tmp_path: Path, archive: Archive) -> None:
    plain, told = record(), record()
    archive.add([whole(plain), whole(told, told=story(told, lines=400))])
    with contextlib.closing(sqlite3.connect(path_of(tmp_path))) as db:
        found = dict(db.execute("SELECT run, size_bytes FROM runs").fetchall())
    assert found[told.run] > found[plain.run] + 100


def test_archive_of_the_release_before_stories_goes_on(tmp_path: Path, reader: Reader) -> None:
    older, newer = record(), record(NOW_US + 1)
    with first_version(tmp_path) as db:
        row = (older.run, older.submitted_us, older.ended_us, "run", "ocr", "ocr@1", older.state)
        text = whole(older).record.decode()
        marks = "NULL, " + ", ".join("?" * 10)
        db.execute(f"INSERT INTO runs VALUES ({marks})", (*row, 2, len(text), text))
    # It is read before the one that writes it has opened it.
    assert reader.find(RunQuery(), 10) == [older]
    assert reader.story(older.run) == RunStory(run=older.run, submitted_us=older.submitted_us)
    with Archive(tmp_path, WEEK) as archive:
        archive.add([whole(newer, told=story(newer))])
    assert reader.find(RunQuery(), 10) == [newer, older]
    assert reader.story(newer.run) == story(newer)


@contextlib.contextmanager
def first_version(folder: Path) -> Iterator[sqlite3.Connection]:
    """An archive as releases made it that kept no stories."""
    path_of(folder).parent.mkdir()
    with contextlib.closing(sqlite3.connect(path_of(folder), isolation_level=None)) as db:
        db.execute(f"PRAGMA page_size={PAGE_BYTES}")
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(f"{TABLES.replace(STORIES, '')} PRAGMA user_version=1;")
        yield db


def test_archive_of_a_later_release_is_not_written_to(tmp_path: Path, archive: Archive) -> None:
    with contextlib.closing(sqlite3.connect(path_of(tmp_path))) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(OtherVersion, match=f"it is of version {VERSION + 1}"):
        Archive(tmp_path, WEEK)


def test_what_is_told_twice_is_kept_once(archive: Archive, reader: Reader) -> None:
    kept = record()
    for _ in range(2):
        archive.add([whole(kept)], [("1-0", plan())])
    assert reader.find(RunQuery(), 10) == [kept]
    assert reader.plans(0, NOW_US + 1, 10) == [plan()]
    assert archive.missing([kept.run, "r-other"]) == ["r-other"]


def test_unreadable_run_is_left_out_and_the_others_are_kept(
    archive: Archive, reader: Reader
) -> None:
    good, late = record(), record(deadline_us=NOW_US)
    beyond = record(submitted_us=2**63, ended_us=2**63)
    bad = [
        replace(whole(good), record=b"{"),
        replace(whole(late), operations=b"{"),
        whole(beyond),
    ]
    archive.add([*bad, whole(good)])
    assert reader.find(RunQuery(), 10) == [good]
    assert reader.misses(0, 2 * NOW_US, 10) == []


@pytest.mark.parametrize(
    "query",
    [
        RunQuery(workload="ocr"),
        RunQuery(workload="ocr@1"),
        RunQuery(band=Band.NORMAL),
        RunQuery(state=RunState.FINISHED),
        RunQuery(kind="run"),
        RunQuery(since_us=NOW_US, until_us=NOW_US + 1),
    ],
)
def test_search_finds_what_is_wanted_and_nothing_else(
    archive: Archive, reader: Reader, query: RunQuery
) -> None:
    wanted = record()
    other = record(
        NOW_US - 1,
        workload="detect@1",
        band=Band.HIGH,
        state=RunState.FAILED,
        kind="profile",
    )
    archive.add([whole(wanted), whole(other)])
    assert reader.find(query, 10) == [wanted]
    assert query.wants(wanted)
    assert not query.wants(other)


def test_pages_go_through_all_runs_once_the_latest_first(archive: Archive, reader: Reader) -> None:
    # Two of each moment: the id decides.
    made = [record(NOW_US + i // 2) for i in range(9)]
    archive.add(map(whole, made))
    found, after = [], None
    while page := reader.find(RunQuery(after=after), 2):
        found += page
        after = Cursor.of(page[-1])
    assert found == sorted(made, key=Cursor.of, reverse=True)


def test_what_is_older_than_allowed_goes_and_is_told_of(archive: Archive, reader: Reader) -> None:
    old, new = record(NOW_US), record(NOW_US + DAY_US)
    archive.add([whole(old), whole(new)], [("1-0", plan(NOW_US)), ("2-0", plan(NOW_US + DAY_US))])
    archive.keep_within(NOW_US + 7 * DAY_US + 2 * SECOND_US)
    assert reader.find(RunQuery(), 10) == [new]
    assert reader.run(old.run) is None
    assert len(reader.plans(0, 2 * NOW_US, 10)) == 1
    (removed,) = reader.removed(NOW_US)
    assert (removed.rule, removed.runs) == ("age", 1)
    assert reader.removed(NOW_US + DAY_US) == []


def test_file_shrinks_when_much_is_removed(archive: Archive) -> None:
    runs = [record(NOW_US + i) for i in range(500)]
    archive.add([whole(one, [operation(one.run, work=os.urandom(1_000).hex())]) for one in runs])
    before = archive.size_bytes
    archive.keep_within(NOW_US + 400 + 7 * DAY_US + SECOND_US)
    assert archive.size_bytes < before / 3


def test_file_stays_within_its_size_and_loses_the_oldest(tmp_path: Path) -> None:
    limits = HistoryLimits(days=7, size_bytes=512 * 1024)
    made = [record(NOW_US + i) for i in range(400)]
    with Archive(tmp_path, limits) as archive:
        for one in made:
            noise = operation(one.run, work=os.urandom(2_000).hex())
            archive.add([whole(one, [noise])])
            archive.keep_within(NOW_US)
            assert path_of(tmp_path).stat().st_size <= limits.size_bytes
    left = Reader(tmp_path).find(RunQuery(), 1_000)
    assert 50 < len(left) < 150
    assert left == made[-len(left) :][::-1]
    (removed,) = Reader(tmp_path).removed(NOW_US)
    assert (removed.rule, removed.runs) == ("size", len(made) - len(left))


def test_archive_that_is_too_small_for_anything_keeps_nothing(tmp_path: Path) -> None:
    with Archive(tmp_path, HistoryLimits(days=7, size_bytes=1)) as archive:
        archive.add([whole(record())], [("1-0", plan())])
        archive.keep_within(NOW_US)
    assert Reader(tmp_path).find(RunQuery(), 10) == []
    assert Reader(tmp_path).plans(0, 2 * NOW_US, 10) == []


def test_archive_is_known_by_the_same_id_when_it_is_opened_again(tmp_path: Path) -> None:
    with Archive(tmp_path, WEEK) as first:
        pass
    with Archive(tmp_path, WEEK) as second:
        assert first.id == second.id


def test_damaged_archive_is_set_aside(tmp_path: Path) -> None:
    path_of(tmp_path).parent.mkdir()
    path_of(tmp_path).write_bytes(b"no database" * 1000)
    with pytest.raises(Exception, match="not a database") as damaged:
        Archive(tmp_path, WEEK)
    set_aside(tmp_path, damaged.value)
    with Archive(tmp_path, WEEK) as archive:
        archive.add([whole(record())])
    assert len(list(path_of(tmp_path).parent.glob("*.aside-*"))) == 1


def test_folder_without_an_archive_holds_nothing(reader: Reader) -> None:
    assert reader.find(RunQuery(), 10) == []
    assert reader.run("r-1") is None


@pytest.mark.parametrize(
    ("given", "operations", "cause"),
    [
        ({"predicted_p50_us": NOW_US + SECOND_US}, {}, Cause.PROMISED_LATE),
        ({}, {"failed": True}, Cause.FAILED_ATTEMPT),
        ({}, {"duration_p95_us": 10}, Cause.SLOWER),
        ({"predicted_p50_us": NOW_US}, {}, Cause.WAITED),
        ({}, {}, Cause.UNKNOWN),
    ],
)
def test_late_run_has_one_cause(
    archive: Archive,
    reader: Reader,
    given: dict[str, Any],
    operations: dict[str, Any],
    cause: Cause,
) -> None:
    late = record(deadline_us=NOW_US + 1_000, **given)
    failure = AttemptRecord(
        attempt=1,
        machine="one/cpu0",
        provider="cpu",
        reason=FailureReason.WORKER_CRASHED,
        message="signal 9",
        at_us=NOW_US,
    )
    fields: dict[str, Any] = {
        "started_us": NOW_US,
        "ended_us": NOW_US + SECOND_US,
        "failures": (failure,) if "failed" in operations else (),
        **{name: value for name, value in operations.items() if name != "failed"},
    }
    archive.add([whole(late, [operation(late.run, **fields)]), whole(record())])
    (miss,) = reader.misses(0, 2 * NOW_US, 10)
    assert (miss.run, miss.limited_by, miss.cause) == (late.run, "deadline", cause)


def test_run_that_was_dropped_at_its_deadline_missed_it(archive: Archive, reader: Reader) -> None:
    end_us = NOW_US + SECOND_US
    dropped = record(
        state=RunState.FAILED, reason="deadline", deadline_us=end_us, started_us=None, detail="late"
    )
    cancelled = record(state=RunState.CANCELLED, reason="cancelled", deadline_us=NOW_US)
    archive.add([whole(dropped), whole(cancelled)])
    (miss,) = reader.misses(0, 2 * NOW_US, 10)
    assert (miss.run, miss.cause, miss.detail) == (dropped.run, Cause.WAITED, "late")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", NOW_US - 90 * SECOND_US), ("7d", NOW_US - 7 * DAY_US), (str(NOW_US), NOW_US)],
)
def test_time_is_a_span_or_a_moment(text: str, expected: int) -> None:
    assert moment_us(text, NOW_US, "since") == expected


@pytest.mark.parametrize("text", ["", "yesterday", "-1", "2w", "1e9"])
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="since must be a span") as refused:
        moment_us(text, NOW_US, "since")
    assert refused.value.field == "since"
