"""The site has every page, and its reference every public name."""

from __future__ import annotations

import inspect

import yaml

import fjord
from docs.make_reference import markdown, python
from tests.docs.blocks import PAGES
from tests.lint.sources import ROOT


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    sections = [entry for part in yaml.safe_load(text)["nav"] for entry in part.values()]
    shown = {page for pages in sections if isinstance(pages, list) for page in pages}
    assert {page.name for page in PAGES if page.parent == ROOT / "docs"} <= shown


def test_reference_has_every_public_name_and_method() -> None:
    told = python()
    for name in set(fjord.__all__) - {"Array", "__version__"}:
        assert f"\n## `{name}`\n" in told
    for method, _ in inspect.getmembers(fjord.Client, inspect.isfunction):
        assert method.startswith("_") or f"\n### `Client.{method}`\n" in told


def test_entries_of_a_docstring_become_items() -> None:
    told = markdown(
        "Wait.\n\nParameters\n----------\nlong\n    In s,\n    at most.\n\nRaises\n------\nLate"
    )
    assert told == "Wait.\n\n**Parameters**\n\n- `long`: In s, at most.\n\n**Raises**\n\n- `Late`"
