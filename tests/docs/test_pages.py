"""Pages for contributors name files and names that exist."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES
from tests.lint.sources import PACKAGES, ROOT, python_files

GLOSSARY = ROOT / "docs" / "glossary.md"
CHANGELOG = ROOT / "CHANGELOG.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"

_ROW = re.compile(r"^\| (?P<term>[^|]+) \| [^|]+ \| `(?P<name>[^`|]+)` \|$", re.M)
_PATH = re.compile(
    r"`((?:api|benchmarks|changes|cost_models|deploy|devices|docs|examples|findings|fjord|scheduler"
    r"|tests)/[\w./-]*)`"
)
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_FORM = re.compile(r"^\| (?P<names>`\w+`(?:, `\w+`)*) \| `(?P<path>[\w/]+\.py)` \|", re.M)


@cache
def defined() -> frozenset[str]:
    """Names of modules, classes, functions, parameters and attributes of the packages."""
    names: set[str] = set()
    for package in PACKAGES:
        for path in python_files(package):
            names.update((path.stem, path.parent.name))
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    names.add(node.name)
                elif isinstance(node, ast.arg):
                    names.add(node.arg)
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    names.add(node.id)
    return frozenset(names)


def glossary() -> list[tuple[str, str]]:
    return [(row["term"], row["name"]) for row in _ROW.finditer(GLOSSARY.read_text())]


def test_each_row_of_the_glossary_is_read() -> None:
    lines = [line for line in GLOSSARY.read_text().splitlines() if line.startswith("|")]
    headings = [line for line in lines if line.startswith(("|---", "| term"))]
    assert len(glossary()) == len(lines) - len(headings) > 50


@pytest.mark.parametrize(("term", "name"), glossary())
def test_word_of_the_glossary_has_its_name_in_the_code(term: str, name: str) -> None:
    assert name in defined(), f"{term} is not called {name} in the packages"


def test_glossary_has_one_name_per_word_and_one_word_per_name() -> None:
    for column in zip(*glossary(), strict=True):
        assert [word for word, count in Counter(column).items() if count > 1] == []


@pytest.mark.parametrize("page", [CONTRIBUTING, ARCHITECTURE], ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    paths = [ROOT / path for path in _PATH.findall(text)]
    links = [page.parent / link for link in _LINK.findall(text) if "//" not in link]
    assert [str(path) for path in (*paths, *links) if not path.exists()] == []
    assert paths


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_row_of_a_table_stands_below_its_head(page: Path) -> None:
    lines = ["", *page.read_text().splitlines(), ""]
    for number, (above, line, below) in enumerate(zip(lines, lines[1:], lines[2:], strict=False)):
        if line.startswith("|") and not above.startswith("|"):
            assert re.fullmatch(r"[|\-: ]+", below), f"{page.name}:{number + 1}: {line}"


def test_forms_of_an_operation_are_defined_where_the_page_says() -> None:
    rows = _FORM.findall(ARCHITECTURE.read_text())
    assert len(rows) > 10
    for names, path in rows:
        source = (ROOT / path).read_text()
        for name in re.findall(r"\w+", names):
            assert f"\nclass {name}" in source, f"{path} defines no {name}"


def test_changelog_begins_with_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = re.findall(r"^## (\S+) \(\d{4}-\d\d-\d\d\)$", CHANGELOG.read_text(), re.M)
    assert versions[0] == project["version"]
