"""The Python files of this repository: the one list that all checks of `tests/lint` go through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("api", "cost_models", "devices", "fjord", "scheduler")
"""The folders that are installed; one that does not exist holds no files."""

FOLDERS = (*PACKAGES, "benchmarks", "docs", "examples", "tests")


def python_files(folder: str, root: Path = ROOT) -> Iterator[Path]:
    """Each Python file below a folder of the repository, in order of their paths."""
    yield from sorted((root / folder).rglob("*.py"))


def room(path: Path) -> str:
    """The address of a file down to two folders: `api/cli`, `scheduler/control`, `tests`."""
    return "/".join(path.parent.parts[:2]) or "."
