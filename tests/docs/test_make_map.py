"""The map of the rooms shows each import, and every room above those that it imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.make_map import BEGIN, END, drawing, imports, layers, picture, rooms, written

CIRCLE = {
    "a": frozenset({"b"}),
    "b": frozenset({"c"}),
    "c": frozenset({"b", "d"}),
    "d": frozenset[str](),
}


def tree(root: Path, sources: dict[str, str]) -> Path:
    for name, source in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


def test_names_and_modules_that_are_imported_lead_to_their_module(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "api/__init__.py": "",
            "api/one.py": "import json\nfrom api import two\nfrom api.store.log import append\n",
            "api/two.py": "def late():\n    import scheduler.model\n",
            "api/store/__init__.py": "",
            "api/store/log.py": "from api.store import append\n",
            "scheduler/model/__init__.py": "",
        },
    )
    found = imports(root)
    assert found["api.one"] == {"api.two", "api.store.log"}
    assert found["api.two"] == {"scheduler.model"}
    assert found["api.store.log"] == {"api.store"}


def test_modules_of_a_folder_are_one_room() -> None:
    found: dict[str, set[str]] = {"a": set(), "a.b": {"a.c.d"}, "a.c": set(), "a.c.d": {"a.c", "z"}}
    assert rooms("a", found) == {"b": {"c"}, "c": frozenset()}


def test_room_stands_above_all_that_it_imports() -> None:
    graph = {"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset[str](), "d": frozenset("c")}
    assert layers(graph) == [["a"], ["b", "d"], ["c"]]


def test_rooms_of_a_circle_share_a_layer_and_are_marked() -> None:
    assert layers(CIRCLE) == [["a"], ["b", "c"], ["d"]]
    marked = [line.split()[0] for line in picture("house", CIRCLE) if "(in a circle)" in line]
    assert marked == ["b", "c"]


def test_packages_come_first_and_then_the_houses_that_are_there(tmp_path: Path) -> None:
    sources = {"api/one.py": "import devices.two\n", "devices/two.py": "", "devices/agent/x.py": ""}
    titles = [block.splitlines()[0] for block in drawing(tree(tmp_path, sources)).split("\n\n")]
    assert titles == ["packages", "api", "devices", "devices/agent"]


def test_map_replaces_the_text_between_its_marks() -> None:
    page = f"# Page\n{BEGIN}\nold\n{END}\nrest\n"
    assert written(page, "new") == f"# Page\n{BEGIN}\n```\nnew\n```\n{END}\nrest\n"
    assert written(written(page, "new"), "new") == written(page, "new")


def test_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="one is missing"):
        written("# Page\n", "new")
