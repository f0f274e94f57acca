"""The name under which the project is installed, wherever it is written."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from fjord.about import DISTRIBUTION

ROOT = Path(__file__).parents[2]
TEXTS = ("fjord", "api", "devices", "cost_models", "scheduler", "benchmarks", "docs", "deploy")
SUFFIXES = {".py", ".md", ".service", ".sh", ".yaml", ".yml", ""}
INSTALLING = re.compile(r"pip install (?:-\S+ )*'?(?P<name>fjord[\w-]*)(?:\[(?P<extras>[\w,]*)\])?")


def installations() -> list[tuple[str, str, str]]:
    """All commands of ours that install the project: file, name, extras."""
    files = [path for folder in TEXTS for path in (ROOT / folder).rglob("*")] + [ROOT / "README.md"]
    texts = [path for path in files if path.suffix in SUFFIXES and path.is_file()]
    return [
        (str(path.relative_to(ROOT)), found["name"], found["extras"] or "")
        for path in texts
        for found in INSTALLING.finditer(path.read_text())
    ]


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def test_the_name_is_that_of_the_project_table() -> None:
    assert project()["name"] == DISTRIBUTION


def test_every_command_that_installs_the_project_names_it_and_extras_that_there_are() -> None:
    found = installations()
    assert len(found) > 5
    extras = {"", *project()["optional-dependencies"]}
    for place, name, wanted in found:
        assert name == DISTRIBUTION, place
        assert set(wanted.split(",")) <= extras, place
