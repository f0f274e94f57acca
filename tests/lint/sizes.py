"""Hold functions, files and folders of the packages to the sizes that a reader keeps in the head.

    python -m tests.lint.sizes             print the table; fail above a limit
    python -m tests.lint.sizes --report    print the table, and pass

A line of code is a line of a function that is neither blank, nor a comment, nor of its docstring.
"""

from __future__ import annotations

import argparse
import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.lint.sources import PACKAGES, ROOT, python_files

P90_LINES = 17
"""Lines of code that nine functions of ten do not exceed. The packages had it when it was set."""

MOST_LINES = 48
"""Lines of code of the longest function."""

LONG_FILE_LINES = 300
"""A file above this is a long one. All its lines count."""

LONG_FILES = 14
"""Long files that the packages may have between them."""

FOLDER_MODULES = 20
"""Modules in one folder, its `__init__` left out: as many names as are read at a glance."""

FLAT_FOLDERS = frozenset({"api/cli"})
"""Folders that may hold more: a module for each group of commands."""

_NO_CODE = frozenset(
    {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method, and its lines of code with those of functions inside of it."""

    place: str
    lines: int


def functions(source: str, place: str) -> Iterator[Function]:
    """Measure each function of a source.

    Examples
    --------
    >>> [found] = functions(chr(10).join(["def f():", "  '''Text.'''", "", "  return 1"]), "f.py")
    >>> found.lines
    2
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    code = {
        line
        for token in tokens
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            lines = len(code.intersection(own)) - _docstring_lines(node)
            yield Function(f"{place}:{node.lineno} {node.name}", lines)


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is None:
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1


def percentile(values: list[int], share: float) -> int:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else 0


def broken_limits(folders: tuple[str, ...] = PACKAGES, root: Path = ROOT) -> Iterator[str]:
    """Measure these folders, print the table, and give a line for each limit that is exceeded."""
    files = {
        path.relative_to(root): path.read_text()
        for folder in folders
        for path in python_files(folder, root)
    }
    found = [one for path, source in files.items() for one in functions(source, str(path))]
    yield from _functions_table(found, folders)
    yield from _long_files({path: len(source.splitlines()) for path, source in files.items()})
    yield from _full_folders(list(files))


def _functions_table(found: list[Function], folders: tuple[str, ...]) -> Iterator[str]:
    print(f"{'functions':16}{'number':>8}{'median':>8}{'p90':>6}{'max':>6}")
    for folder in (*folders, ""):
        lines = [one.lines for one in found if one.place.startswith(folder)]
        if lines:
            middle, reach = int(median(lines)), percentile(lines, 0.9)
            print(f"{folder or 'all':16}{len(lines):8}{middle:8}{reach:6}{max(lines):6}")
    reach = percentile([one.lines for one in found], 0.9)
    if reach > P90_LINES:
        yield f"one function of ten has {reach} lines of code or more, above {P90_LINES}"
    for one in found:
        if one.lines > MOST_LINES:
            yield f"{one.place} has {one.lines} lines of code, above {MOST_LINES}"


def _long_files(lengths: dict[Path, int]) -> Iterator[str]:
    above = {path: lines for path, lines in lengths.items() if lines > LONG_FILE_LINES}
    print(f"files above {LONG_FILE_LINES} lines: {len(above)} of {len(lengths)}")
    for path, lines in sorted(above.items(), key=lambda one: (-one[1], one[0])):
        print(f"  {lines:5} {path}")
    if len(above) > LONG_FILES:
        yield f"{len(above)} files have more than {LONG_FILE_LINES} lines; {LONG_FILES} may"


def _full_folders(paths: list[Path]) -> Iterator[str]:
    modules = Counter(path.parent.as_posix() for path in paths if path.name != "__init__.py")
    full = {folder: count for folder, count in modules.items() if count > FOLDER_MODULES}
    print(f"folders above {FOLDER_MODULES} modules: {len(full)} of {len(modules)}")
    for folder, count in sorted(full.items()):
        print(f"  {count:5} {folder}")
        if folder not in FLAT_FOLDERS:
            yield f"{folder} holds {count} modules, above {FOLDER_MODULES}"


def main() -> int:
    """Print the table; 1 if a limit is exceeded and no report was wanted."""
    parser = argparse.ArgumentParser(prog="tests.lint.sizes")
    parser.add_argument("--report", action="store_true", help="print the table, and pass")
    options = parser.parse_args()
    broken = list(broken_limits())
    print("\n".join(broken) or "within all limits")
    return 1 if broken and not options.report else 0


if __name__ == "__main__":
    sys.exit(main())
