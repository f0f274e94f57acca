"""Draw the references of the site: ``.venv/bin/python docs/make_reference.py build/reference``.

`http.md` comes from the OpenAPI document of the service, `python.md` from the docstrings of
`fjord`. Both are made anew for each site, and neither is kept.
"""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fjord
from api.http.reference import body
from api.http.server import create_app
from api.process.settings import Settings

PYTHON = """# Python

`import fjord` imports nothing else of the project. `AsyncClient` has the methods of `Client`; they
are awaited.
"""


def http() -> str:
    """The routes and schemas of the service, as the page that it shows at ``/docs``."""
    with tempfile.TemporaryDirectory() as folder:
        document = create_app(Settings(data_dir=Path(folder))).openapi()
    return f"# HTTP\n\n{body(document)}\n"


def python() -> str:
    """Each public name of `fjord` with its docstring; of classes, their public methods too."""
    parts = [PYTHON]
    for name in sorted(set(fjord.__all__) - {"__version__", "Array"}):
        parts.extend(_described(name, getattr(fjord, name), level=2))
    return "\n\n".join(parts) + "\n"


def _described(name: str, thing: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} `{name}`"
    if signature := _signature(name.rpartition(".")[2], thing):
        yield f"```python\n{signature}\n```"
    yield markdown(inspect.getdoc(thing) or "")
    if inspect.isclass(thing) and name != "AsyncClient":
        for method, function in vars(thing).items():
            if not method.startswith("_") and inspect.isfunction(function):
                yield from _described(f"{name}.{method}", function, level + 1)


def _signature(name: str, thing: Any) -> str:
    try:
        told = f"{name}{inspect.signature(thing)}"
    except (TypeError, ValueError):
        return ""
    # A method is written in steps that both clients perform.
    told = re.sub(
        r"-> '?(?:Steps\[(.*)\]|(.*?))'?$", lambda found: f"-> {found[1] or found[2]}", told
    )
    return told.replace("'", "").replace("(self, ", "(").replace("(self)", "()")


def markdown(docstring: str) -> str:
    """A docstring in NumPy form as Markdown: entries of its sections become items of lists."""
    text, *sections = re.split(r"\n+(\w[\w ]*)\n-{3,}\n", "\n" + docstring)
    parts = [text.strip()]
    for title, section in zip(sections[::2], sections[1::2], strict=True):
        shown = section.strip("\n")
        is_code = title == "Examples"
        parts += [f"**{title}**", f"```python\n{shown}\n```" if is_code else _items(shown)]
    return "\n\n".join(part for part in parts if part)


def _items(section: str) -> str:
    items: list[str] = []
    for line in section.splitlines():
        if line.startswith(" "):
            items[-1] += ("" if items[-1][-1] == " " else " ") + line.strip()
        elif line:
            items.append(f"- `{line}`: ")
    return "\n".join(item.removesuffix(": ") for item in items)


def main(folder: Path) -> None:
    """Write both pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "http.md").write_text(http())
    (folder / "python.md").write_text(python())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
