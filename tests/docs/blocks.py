"""Fenced blocks of a page, each with the word about it that stands in the comment right above."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lint.sources import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
NOT_RUN_AT_MOST = 10

_BLOCK = re.compile(
    r"(?:^<!-- (?P<key>not run|file): (?P<word>.+?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$",
    re.M | re.S,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Parameters
    ----------
    line
        That of its first fence, from 1.
    language
        As the fence names it, or nothing.
    not_run
        The reason why it is only shown, or nothing.
    file
        The file that a reader saves it as, or nothing.
    """

    page: Path
    line: int
    language: str
    body: str
    not_run: str = ""
    file: str = ""

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def is_typed(self) -> bool:
        """True if a reader runs it: a program, or commands for a shell."""
        return self.language in {"console", "python", "sh"} and not self.not_run

    def typed(self) -> Iterator[tuple[str, list[str]]]:
        """Each command of a console, with the lines that are shown below it."""
        command, shown = "", list[str]()
        for line in self.body.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command, shown
                command, shown = line[2:], []
            else:
                shown.append(line)
        if command:
            yield command, shown


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, from top to bottom."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        fence = text.index("```", found.start())
        said = {str(found["key"]).replace(" ", "_"): found["word"]} if found["key"] else {}
        yield Block(page, text.count("\n", 0, fence) + 1, found["language"], found["body"], **said)


def left_out() -> list[Block]:
    """The blocks of all pages that are not run, which say why."""
    return [block for page in PAGES for block in blocks(page) if block.not_run]


def summary() -> str:
    """One line for the end of the tests: blocks that were run, and each that was not."""
    run = sum(block.is_typed for page in PAGES for block in blocks(page))
    reasons = "; ".join(f"{block} ({block.not_run})" for block in left_out())
    return f"pages: {run} blocks run, {len(left_out())} not run: {reasons}"
