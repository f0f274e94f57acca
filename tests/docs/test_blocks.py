"""Every block of README and docs does what its page shows, or says why it is only shown."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.blocks import NOT_RUN_AT_MOST, PAGES, Block, blocks, left_out
from tests.docs.reader import Misleading, Reader, commands, reading

DATA = {"json": json.loads, "toml": tomllib.loads}
TYPED = [page for page in PAGES if any(block.is_typed for block in blocks(page))]


def block(tmp_path: Path, text: str) -> Block:
    page = tmp_path / "page.md"
    page.write_text(text)
    (found,) = blocks(page)
    return found


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / "home").mkdir()
    return Reader(tmp_path / "home", tmp_path, {"PATH": "/usr/bin:/bin"})


@pytest.mark.timeout(300)  # a page has a site of its own, and some ten commands
@pytest.mark.parametrize("page", TYPED, ids=lambda page: page.stem)
def test_page_does_what_it_shows(page: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with reading(home, commands(tmp_path / "bin")) as newcomer:
        for shown in blocks(page):
            newcomer.read(shown)


def test_few_blocks_are_only_shown() -> None:
    assert len(left_out()) <= NOT_RUN_AT_MOST


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_block_without_a_language_holds_no_command(page: Path) -> None:
    for shown in blocks(page):
        commands_in_it = re.findall(r"^(?:\$ |fjord |make |python ).*", shown.body, re.M)
        assert shown.language or not commands_in_it, f"{shown} must name its language"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_data_on_a_page_can_be_read(page: Path) -> None:
    for shown in blocks(page):
        if shown.language in DATA:
            assert DATA[shown.language](shown.body), str(shown)


def test_reason_above_a_block_keeps_it_from_being_run(tmp_path: Path) -> None:
    shown = block(tmp_path, "<!-- not run: wants root -->\n```sh\nfalse\n```\n")
    assert (shown.not_run, shown.is_typed, shown.line) == ("wants root", False, 2)


def test_block_for_a_file_is_saved(tmp_path: Path, reader: Reader) -> None:
    reader.read(block(tmp_path, "<!-- file: a/b.json -->\n```json\n{}\n```\n"))
    assert (reader.home / "a/b.json").read_text() == "{}\n"


def test_command_that_fails_misleads(tmp_path: Path, reader: Reader) -> None:
    shown = block(tmp_path, "```sh\ntrue | false\ntrue\n```\n")
    with pytest.raises(Misleading, match="exit 1"):
        reader.read(shown)


def test_numbers_and_ids_may_differ_from_those_shown(tmp_path: Path, reader: Reader) -> None:
    reader.read(block(tmp_path, "```console\n$ echo r-1k8 took  15.25 ms\nr-9za took 3 ms\n```\n"))


def test_words_that_are_not_printed_mislead(tmp_path: Path, reader: Reader) -> None:
    with pytest.raises(Misleading, match="shown: hello you"):
        reader.read(block(tmp_path, "```console\n$ echo hello\nhello you\n```\n"))
