"""A child that answers is started, asked, ended, and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.process.answering_child import AnsweringChild

pytestmark = pytest.mark.anyio

ECHO = """
import sys
from api.process.answering_child import open_answers, read_message, write_answer
answers = open_answers()
while (message := read_message(sys.stdin.buffer)) is not None:
    print("an engine that talks")
    if message == b"die":
        sys.exit(1)
    write_answer(answers, message[::-1], b"!")
"""


@pytest.fixture
async def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AnsweringChild]:
    (tmp_path / "echo_of_this_test.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    made = AnsweringChild("echo_of_this_test")
    yield made
    await made.end()


async def test_messages_are_answered_in_their_turn_whatever_is_printed(
    child: AnsweringChild,
) -> None:
    await child.start()
    long = b"ab" * 200_000
    for message in (b"abc", b"", long):
        assert await child.exchange(message) == message[::-1]
        assert await child.receive(1) == b"!"


async def test_child_that_ends_over_a_message_gives_no_answer(child: AnsweringChild) -> None:
    await child.start()
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await child.exchange(b"die")
    await child.end()
    await child.start()
    assert await child.exchange(b"ab") == b"ba"


async def test_child_that_was_ended_is_not_alive_and_takes_no_message(
    child: AnsweringChild,
) -> None:
    await child.start()
    assert child.is_alive
    await child.end()
    assert (child.is_alive, child.pid) == (False, None)
    with pytest.raises(BrokenPipeError, match="was ended"):
        await child.exchange(b"ab")
