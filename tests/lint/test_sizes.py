"""The table of sizes counts code, and tells each limit that is exceeded."""

from __future__ import annotations

from pathlib import Path

from tests.lint.sizes import FOLDER_MODULES, LONG_FILES, MOST_LINES, broken_limits, functions


def written(root: Path, name: str, source: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)


def of_lines(count: int) -> str:
    return "def f():\n" + "    x = 1\n" * (count - 1)


def test_blank_lines_comments_and_docstrings_are_no_code() -> None:
    source = 'def f(\n    x,\n):\n    """One.\n\n    Two.\n    """\n\n    # Three.\n    return x\n'
    assert [one.lines for one in functions(source, "f.py")] == [4]


def test_lines_of_a_text_that_is_a_value_are_code() -> None:
    source = 'def f():\n    return """\n\na\n"""\n'
    assert [one.lines for one in functions(source, "f.py")] == [5]


def test_function_above_the_limit_is_told_with_its_place(tmp_path: Path) -> None:
    written(tmp_path, "api/short.py", of_lines(2) * 20)
    written(tmp_path, "api/long.py", of_lines(MOST_LINES) + of_lines(MOST_LINES + 1))
    [told] = broken_limits(("api",), tmp_path)
    assert told == f"api/long.py:{MOST_LINES + 1} f has {MOST_LINES + 1} lines of code, above 48"


def test_more_long_files_than_may_be_are_told(tmp_path: Path) -> None:
    for number in range(LONG_FILES + 1):
        written(tmp_path, f"api/long_{number}.py", "x = 1\n" * 301)
    [told] = broken_limits(("api",), tmp_path)
    assert told.startswith(f"{LONG_FILES + 1} files have more than 300 lines")


def test_full_folder_is_told_unless_it_may_be_flat(tmp_path: Path) -> None:
    for folder in ("api/cli", "api/store"):
        written(tmp_path, f"{folder}/__init__.py", "")
        for number in range(FOLDER_MODULES + 1):
            written(tmp_path, f"{folder}/part_{number}.py", "")
    [told] = broken_limits(("api",), tmp_path)
    assert told == f"api/store holds {FOLDER_MODULES + 1} modules, above {FOLDER_MODULES}"
