"""The lint of plain English finds prose that asks, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.lint.english import texts
from tests.lint.sources import ROOT


def asking(source: str) -> list[tuple[int, str]]:
    return [(text.line, text.kind) for text in texts(source) if text.asks]


@pytest.mark.parametrize("word", ["What", "whether", "WHICH", "How", "Whose", "Where", "Whatever"])
def test_question_word_in_any_case_is_found(word: str) -> None:
    assert asking(f'"""{word} is left."""') == [(1, "docstring")]


@pytest.mark.parametrize("text", ["Operations that are left.", "Whole runs.", "`what` names it."])
def test_text_that_names_its_thing_passes(text: str) -> None:
    assert asking(f'"""{text}"""') == []


def test_docstrings_of_classes_functions_and_attributes_are_judged() -> None:
    source = '''class Lane:
    """What runs."""

    size = 1
    """How large."""

    async def run(self) -> None:
        """
        When it starts.
        """
'''
    assert asking(source) == [(2, "docstring"), (5, "docstring"), (8, "docstring")]


def test_entries_of_numpy_sections_are_judged_and_their_further_lines_are_not() -> None:
    source = '''"""A lane.

Parameters
----------
name
    Its name, which is one
    where all can see it.
size
    How large it is.

Examples
--------
>>> print("a\\n    what")
a
    what
"""
'''
    assert asking(source) == [(9, "entry")]


def test_first_line_of_a_comment_is_judged() -> None:
    source = "# Until the end,\n# what is left waits.\nx = 1  # why not\n# How so.\ny = '# what'\n"
    assert asking(source) == [(3, "comment"), (4, "comment")]


def test_string_that_documents_nothing_is_not_judged() -> None:
    assert asking('def f() -> str:\n    return "what"\n\n\nx = {"what": 1}\n') == []


def test_unknown_folder_is_refused() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.lint.english", "no_such_folder"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 2
    assert "got no_such_folder" in told.stderr
