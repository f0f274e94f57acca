"""Prose that users read: pages, messages and descriptions in the code, words of the dashboard.

Its rule is stricter than that of docstrings: a sentence opens with no question word, and says no
"what" at all, unless it is a question.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.lint.sources import PACKAGES, ROOT

PAGES = ("*.md", "changes/*.md", "docs/*.md")
DASHBOARD = "api/dashboard/static"
WORDS = 3
"""Fewer are a name or a key."""

_FENCED = re.compile(r"^ *```.*?^ *```$|<!--.*?-->", re.M | re.S)
_OPENS = re.compile(r"^\s*(?:#+|[-*]|\d+\.|\|)\s", re.M)
_ENDS = re.compile(r"(?<=[.!?])\s+|\s\|(?:\s|$)")
_LITERAL = re.compile(r"`[^`]*`")
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*|//|\*).*$", re.M)
_JAVASCRIPT = re.compile(r'"([^"\n]+)"|`([^`]+)`')
_OBSCURE = re.compile(
    r"^[\"'(*]*(?:how|wh(?:at|ich|o|om|ose)(?:ever)?|whether)\b|\bwhat\b(?!-)", re.I
)


def obscure(sentence: str) -> bool:
    """True if a reader has to go to the end of it to learn its subject.

    Examples
    --------
    >>> obscure("What runs is finished first."), obscure("Running work is finished first.")
    (True, False)
    >>> obscure("`what` is a word."), obscure("What is a valid problem?")
    (False, False)
    """
    words = _LITERAL.sub("`", sentence).strip()
    return not words.endswith("?") and _OBSCURE.search(words) is not None


def sentences(page: str) -> Iterator[tuple[int, str]]:
    """The sentences, cells and headings of a page, each with a line that it stands on."""
    text = _FENCED.sub(lambda block: "\n" * block[0].count("\n"), page)
    line, paragraph = 1, list[str]()
    for number, row in enumerate([*text.split("\n"), ""], 1):
        if not row.strip() or _OPENS.match(row):
            for sentence in _ENDS.split(" ".join(paragraph)):
                yield line, sentence.strip(" |#-*")
            paragraph = []
        if row.strip():
            line = line if paragraph else number
            paragraph.append(row.strip())


def messages(source: str) -> Iterator[tuple[int, str]]:
    """The texts of some words in a module that document nothing: a program says them."""
    tree = ast.parse(source)
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
    parts = documents | {id(part) for text in texts for part in text.values}
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr) or id(node) in parts:
            continue
        if (text := _said(node)) and len(text.split()) >= WORDS:
            yield from ((node.lineno, each) for each in re.split(r"(?<=[.!?])\s+", text))


def _said(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "`" for part in node.values
        )
    return ""


def words_of_the_dashboard(source: str) -> Iterator[tuple[int, str]]:
    """The texts of some words in a script."""
    code = _COMMENT.sub("", source)
    for found in _JAVASCRIPT.finditer(code):
        text = found[1] or re.sub(r"\$\{[^}]*\}", "`", found[2])
        if len(text.split()) >= WORDS and "<" not in text:
            yield code.count("\n", 0, found.start()) + 1, text


def read_by_users() -> Iterator[tuple[Path, int, str]]:
    """Each such sentence of the repository, with its file and line."""
    readers = [
        *((path, sentences) for pattern in PAGES for path in sorted(ROOT.glob(pattern))),
        *((path, messages) for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))),
        *((path, words_of_the_dashboard) for path in sorted((ROOT / DASHBOARD).rglob("*.js"))),
    ]
    for path, found in readers:
        for line, sentence in found(path.read_text()):
            yield path.relative_to(ROOT), line, sentence
