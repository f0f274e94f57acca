import asyncio
import os
from logging import makeLogRecord
from pathlib import Path

import pytest

from api.process.logs import (
    LARGEST_BYTES,
    OLDER,
    LogFile,
    Messages,
    Repetitions,
    captured,
    keep_small,
    log_file,
)

COLOURED = (
    b"\x1b[1;31m2026-11-30 19:50:06.123456789 [E:onnxruntime:, env.cc:74] no device\n"
    b"  at one place\n  at another\x1b[m\n"
)
TRACEBACK = b"Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'box'\n"


def test_message_of_many_lines_is_one_line_for_the_user_and_whole_in_the_log() -> None:
    messages = Messages()
    lines, told = messages.feed(COLOURED)
    assert lines[1:] == ["  at one place", "  at another"]
    assert told == []  # more may follow
    assert messages.end() == (
        [],
        ["[E:onnxruntime:, env.cc:74] no device (and 2 more lines in the log)"],
    )
    assert "\x1b" not in "".join(lines)


def test_next_dated_line_ends_a_message() -> None:
    messages = Messages()
    assert messages.feed(COLOURED)[1] == []
    assert len(messages.feed(b"2026-11-30 19:50:07,001 api: next\n")[1]) == 1
    assert messages.end()[1] == ["api: next"]


def test_of_a_bare_traceback_the_user_sees_the_error() -> None:
    messages = Messages()
    messages.feed(TRACEBACK)
    assert messages.end()[1] == ["KeyError: 'box' (and 2 more lines in the log)"]


def test_line_that_comes_in_pieces_and_is_no_utf8_is_read() -> None:
    messages = Messages()
    euro = "€ end".encode()
    assert messages.feed(euro[:1]) == ([], [])
    assert messages.feed(euro[1:] + b"\xff\n")[0] == ["€ end�"]


@pytest.mark.anyio
async def test_what_a_child_prints_lands_in_its_log_and_in_a_word_to_the_user(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    said = asyncio.Event()

    def tell(line: str) -> None:
        told.append(line)
        said.set()

    with captured(tmp_path, "agent", tell) as sink:
        os.write(sink, TRACEBACK)
        await said.wait()
        os.write(sink, b"last word without an end")
    assert told == ["KeyError: 'box' (and 2 more lines in the log)", "last word without an end"]
    assert log_file(tmp_path, "agent").read_bytes() == TRACEBACK + b"last word without an end\n"


def fill(sink: int) -> None:
    while True:
        os.write(sink, b"the store does not answer\n" * 100)


@pytest.mark.anyio
async def test_no_child_waits_for_a_reader_that_stands_still(tmp_path: Path) -> None:
    with captured(tmp_path, "service", lambda line: None) as sink, pytest.raises(BlockingIOError):
        fill(sink)


def test_message_that_repeats_is_written_once_in_a_while_and_counted() -> None:
    repetitions = Repetitions()

    def written(text: str, at_s: float) -> str:
        record = makeLogRecord({"msg": "waiting: %s", "args": (text,), "created": at_s})
        return record.getMessage() if repetitions.filter(record) else ""

    assert written("no store", 100.0) == "waiting: no store"
    assert written("no store", 100.1) == written("no store", 109.9) == ""
    assert written("no lease", 109.9) == "waiting: no lease"
    assert written("no store", 110.0) == "waiting: no store (and 2 more times)"
    assert written("no store", 99.0) == "waiting: no store"  # the clock was set back


def test_log_is_set_aside_when_it_is_large_and_few_are_kept(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "service")
    log.maxBytes = 100
    for number in range(20):
        log.write_line(f"{number:50}")
    log.close()
    kept = sorted(log_file(tmp_path, "service").parent.iterdir())
    assert len(kept) == 1 + OLDER
    assert all(file.stat().st_size <= 102 for file in kept)


def test_large_log_of_a_process_that_holds_it_open_goes_on_empty(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    with file.open("ab", buffering=0) as writer:
        writer.write(bytes(LARGEST_BYTES))
        keep_small(file)
        assert file.stat().st_size == LARGEST_BYTES
        writer.write(b"!")
        keep_small(file)
        writer.write(b"next")
    assert file.read_bytes() == b"next"
    assert (tmp_path / "server.log.1").stat().st_size == LARGEST_BYTES + 1
