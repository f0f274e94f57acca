"""Hold all prose to plain English: name the thing, then say what happens to it.

A text that begins with a question word (`What is left`, `Whether it may go`) makes a reader go to
the end of the sentence to learn its subject. Texts are docstrings of modules, classes, functions
and attributes, the entries of their NumPy sections, and the first lines of comments; and, by a
stricter rule, the pages and messages of `tests/lint/reading.py`.

    python -m tests.lint.english                     fail for each such text
    python -m tests.lint.english api scheduler       the same, of these folders alone
    python -m tests.lint.english --report            count them by room, and pass
"""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lint.reading import obscure, read_by_users
from tests.lint.sources import FOLDERS, ROOT, python_files, room

_ASKING = ("how", "what", "when", "where", "which", "who")
QUESTION_WORDS = frozenset(
    {*_ASKING, *(f"{word}ever" for word in _ASKING), "whether", "whom", "whose", "why"}
)

SECTIONS = frozenset(
    {"Attributes", "Other Parameters", "Parameters", "Raises", "Returns", "Warns", "Yields"}
)
"""The NumPy sections whose entries are prose; examples and references are not."""

KINDS = ("docstring", "entry", "comment")

_FIRST_WORD = re.compile(r"[#:\s\"'(*]*(\w*)")
"""A word in backticks is a name, and asks nothing."""


@dataclass(frozen=True, slots=True)
class Text:
    """One piece of prose in a source file.

    Parameters
    ----------
    line
        Its first line in the file, from 1.
    kind
        One of `KINDS`.
    """

    line: int
    kind: str
    words: str

    @property
    def asks(self) -> bool:
        """True if it begins with a question word."""
        first = _FIRST_WORD.match(self.words)
        return first is not None and first[1].lower() in QUESTION_WORDS


def texts(source: str) -> Iterator[Text]:
    """All prose of a source: docstrings and their entries first, then comments.

    Examples
    --------
    >>> [text.kind for text in texts("'What for.'" + chr(10) + "# Who knows?") if text.asks]
    ['docstring', 'comment']
    """
    for node in ast.walk(ast.parse(source)):
        for docstring in _docstrings(node):
            yield from _prose(docstring)
    yield from _comments(source)


def _docstrings(node: ast.AST) -> Iterator[ast.Constant]:
    """The docstring of a definition, and those of the attributes that it assigns."""
    body = getattr(node, "body", None)
    if not isinstance(body, list):
        return
    opens = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    for before, statement in zip([None, *body], body, strict=False):
        follows = isinstance(before, ast.Assign | ast.AnnAssign) or (before is None and opens)
        if follows and isinstance(statement, ast.Expr):
            value = statement.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value


def _prose(docstring: ast.Constant) -> Iterator[Text]:
    """The text of a docstring, then the text of each entry of its sections."""
    lines = inspect.cleandoc(str(docstring.value)).splitlines()
    yield Text(docstring.lineno, "docstring", lines[0] if lines else "")
    section = ""
    for number, (above, line) in enumerate(zip(["", *lines], lines, strict=False)):
        if line and not line.strip("-"):
            section = above
        opens_entry = line.startswith(" ") and above and not above.startswith(" ")
        if section in SECTIONS and opens_entry:
            yield Text(docstring.lineno + number, "entry", line.strip())


def _comments(source: str) -> Iterator[Text]:
    """The first line of each comment; the lines below it go on with its sentence."""
    end = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            has_line = token.line.lstrip().startswith("#")
            if line != end + 1 or not has_line:
                yield Text(line, "comment", token.string)
            end = line if has_line else -1


def judged(folders: list[str]) -> Iterator[tuple[Path, Text]]:
    """Each text of these folders, with the file it stands in, relative to the repository."""
    for folder in folders:
        for path in python_files(folder):
            for text in texts(path.read_text()):
                yield path.relative_to(ROOT), text


def report(found: list[tuple[Path, Text]]) -> None:
    """Print a line per room: texts that ask, by kind, beside the number of all texts."""
    asking = Counter((room(path), text.kind) for path, text in found if text.asks)
    looked_at = Counter(room(path) for path, _ in found)
    print(f"{'room':32}" + "".join(f"{kind:>11}" for kind in KINDS) + f"{'of texts':>11}")
    for name, total in sorted(looked_at.items()):
        print(f"{name:32}" + "".join(f"{asking[name, kind]:11}" for kind in KINDS) + f"{total:11}")
    print(f"{sum(asking.values())} of {len(found)} texts begin with a question word")


def main() -> int:
    """Judge the folders of the command line; 1 if a text asks and no report was wanted."""
    parser = argparse.ArgumentParser(prog="tests.lint.english")
    parser.add_argument("folders", nargs="*", help="folders to judge (all)")
    parser.add_argument("--report", action="store_true", help="count by room, and pass")
    options = parser.parse_args()
    for folder in options.folders:
        if not (ROOT / folder).is_dir():
            parser.error(f"a folder of the repository is wanted; got {folder}")
    found = list(judged(options.folders or list(FOLDERS)))
    if options.report:
        report(found)
        return 0
    asking = [f"{path}:{text.line}: {text.words}" for path, text in found if text.asks]
    read = [] if options.folders else list(read_by_users())
    asking += [f"{path}:{line}: {said}" for path, line, said in read if obscure(said)]
    print("\n".join(asking) or f"{len(found) + len(read)} texts name the thing first")
    if asking:
        print(f"{len(asking)} texts hide their subject: name the thing, then say the rest")
    return 1 if asking else 0


if __name__ == "__main__":
    sys.exit(main())
