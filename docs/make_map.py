"""Draw rooms and imports into `docs/architecture.md`: ``.venv/bin/python docs/make_map.py``.

A house is a package; its modules and folders are its rooms. Each room stands below those that
import it, so that arrows go down. With ``--check`` nothing is written, and the script fails if page
and imports differ.
"""

from __future__ import annotations

import argparse
import ast
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGES = ("api", "cost_models", "devices", "scheduler", "fjord")
HOUSES = (*PACKAGES, "api.http", "devices.agent", "scheduler.control", "scheduler.solvers")
"""Packages that are drawn room by room, each in a picture of its own, if they are there."""

BEGIN, END = "<!-- map: docs/make_map.py writes from here -->", "<!-- map: to here -->"
WIDTH = 118

Rooms = Mapping[str, frozenset[str]]
"""Each room of a house with those that it imports, by names below the house."""


def module_of(path: Path) -> str:
    """The dotted name of a source file, relative to the repository."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(root: Path, packages: tuple[str, ...] = PACKAGES) -> dict[str, set[str]]:
    """Each module of the packages, with those of them that it imports, inside functions too."""
    paths = {
        module_of(path.relative_to(root)): path
        for package in packages
        for path in sorted((root / package).rglob("*.py"))
    }
    return {
        module: {
            name if name in paths else name.rpartition(".")[0]
            for name in _named(ast.parse(path.read_text()))
            if name in paths or name.rpartition(".")[0] in paths
        }
        - {module}
        for module, path in paths.items()
    }


def _named(tree: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports; the last part may be a module or something in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def rooms(house: str, found: Mapping[str, set[str]]) -> Rooms:
    """The rooms of a house: its modules and folders, also those without an import."""
    below: dict[str, set[str]] = {}
    for module, imported in found.items():
        if own := _room(house, module):
            names = {_room(house, name) for name in imported}
            below.setdefault(own, set()).update(names - {own, ""})
    return {name: frozenset(names) for name, names in sorted(below.items())}


def _room(house: str, module: str) -> str:
    """The room of a house that a module stands in; empty for the house itself and for others."""
    return module[len(house) + 1 :].partition(".")[0] if module.startswith(f"{house}.") else ""


def reach(graph: Rooms) -> Rooms:
    """Everything below each room, through other rooms too; a room in a circle is below itself."""
    below = {name: set(direct) for name, direct in graph.items()}
    for middle in graph:
        for name in graph:
            if middle in below[name]:
                below[name] |= below[middle]
    return {name: frozenset(found) for name, found in below.items()}


def layers(graph: Rooms) -> list[list[str]]:
    """The rooms from top to bottom; each as low as all that it imports allow.

    Rooms of a circle share a layer.
    """
    below = reach(graph)
    heights: dict[str, int] = {}
    # From below: a room reaches no fewer than any room under it; a circle comes before those that
    # reach no more than the circle.
    for name in sorted(graph, key=lambda room: (len(below[room]), room not in below[room])):
        lower = (heights[other] for other in below[name] if name not in below[other])
        heights[name] = max((height + 1 for height in lower), default=0)
    top = max(heights.values(), default=-1)
    return [
        [name for name in sorted(graph) if heights[name] == height] for height in range(top, -1, -1)
    ]


def picture(house: str, graph: Rooms) -> list[str]:
    """A house as lines of text: a room each, with its imports; a rule between two layers."""
    below = reach(graph)
    wide = max((len(name) for name in graph), default=0)
    lines = [house.replace(".", "/")]
    for level in layers(graph):
        lines.append(f"  {'-' * wide}")
        for name in level:
            circle = "  (in a circle)" if name in below[name] else ""
            told = " ".join(sorted(graph[name])) + circle
            arrow = f"  {name:{wide}}  -> " if told else f"  {name}"
            lines += textwrap.wrap(
                told, WIDTH, initial_indent=arrow, subsequent_indent=" " * (wide + 7)
            ) or [arrow]
    return lines


def drawing(root: Path) -> str:
    """All pictures: the packages among each other first, then each house that is there."""
    found = imports(root)
    packages = {
        package: frozenset(
            name.partition(".")[0]
            for module, imported in found.items()
            if module.partition(".")[0] == package
            for name in imported
        )
        - {package}
        for package in PACKAGES
        if package in found
    }
    blocks = [picture("packages", packages)]
    for house in HOUSES:
        graph = rooms(house, found)
        if graph:
            blocks.append(picture(house, graph))
    return "\n\n".join("\n".join(block) for block in blocks)


def written(page: str, text: str) -> str:
    """The page with the text between its marks.

    Raises
    ------
    ValueError
        If the page lacks a mark.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page must have the lines {BEGIN!r} and {END!r}; one is missing")
    return f"{before}{begin}\n```\n{text}\n```\n{end}{after}"


def main() -> int:
    """Write the map into the page, or say that it has to be written; then 1."""
    parser = argparse.ArgumentParser(prog="docs/make_map.py")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it differs")
    check = parser.parse_args().check
    page = PAGE.read_text()
    now = written(page, drawing(ROOT))
    if check and page != now:
        print(f"{PAGE.relative_to(ROOT)} shows other imports than the code: run docs/make_map.py")
        return 1
    if not check:
        PAGE.write_text(now)
    return 0


if __name__ == "__main__":
    sys.exit(main())
