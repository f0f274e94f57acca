"""The OpenAPI document as a page for people: it loads no script, and nothing from elsewhere."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Node = Mapping[str, Any]

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font: 0.9em ui-monospace, monospace; }
h3 code { font-weight: 600; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0 1rem; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentcolor 20%, transparent);
  padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; vertical-align: top; }
"""


POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
"""The page loads nothing and runs nothing; its style stands in it."""


def page(document: Node) -> str:
    """Render a whole page, which can be read without any other file."""
    title = escape(f"{document['info']['title']} {document['info']['version']}: HTTP")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>\n"
        f'<p>For programs: <a href="/openapi.json">openapi.json</a></p>\n{body(document)}\n'
        "</body></html>\n"
    )


def body(document: Node) -> str:
    """Render the operations by tag, then the schemas that they name, each with an anchor."""
    parts = [_prose(document["info"].get("description", ""))]
    tag = ""
    for path, method, operation in _operations(document):
        if (here := operation.get("tags", ["others"])[0]) != tag:
            tag = here
            parts.append(f'<h2 id="{escape(tag)}">{escape(tag.capitalize())}</h2>')
        parts.extend(_operation(method, path, operation))
    parts.append('<h2 id="schemas">Schemas</h2>')
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.extend(_schema(name, schema))
    return "\n".join(parts)


def _operations(document: Node) -> Iterator[tuple[str, str, Node]]:
    found = [
        (path, method.upper(), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    # Stable: within a tag the order is that of the routes.
    tags = list(dict.fromkeys(operation.get("tags", ["others"])[0] for *_, operation in found))
    yield from sorted(found, key=lambda each: tags.index(each[2].get("tags", ["others"])[0]))


def _operation(method: str, path: str, operation: Node) -> Iterator[str]:
    yield f'<h3 id="{escape(operation["operationId"])}"><code>{method} {escape(path)}</code></h3>'
    yield _prose(operation.get("description", ""))
    if scope := operation.get("x-fjord-scope"):
        yield f"<p>Scope: <code>{escape(scope)}</code></p>"
    parameters = operation.get("parameters", [])
    rows = [(each["name"], _facts(each), each.get("description", "")) for each in parameters]
    yield _table(("parameter", "type", "meaning"), rows)
    given = operation.get("requestBody", {}).get("content", {})
    yield _table(
        ("body", "type", "meaning"), [_content(kind, each) for kind, each in given.items()]
    )
    answers = [
        (status, _answered(answer), answer["description"])
        for status, answer in operation["responses"].items()
    ]
    yield _table(("answer", "type", "meaning"), answers)


def _facts(parameter: Node) -> str:
    said = [_type(parameter["schema"]), escape(parameter["in"])]
    if parameter.get("required"):
        said.append("required")
    elif "default" in parameter["schema"]:
        said.append(f"default <code>{escape(repr(parameter['schema']['default']))}</code>")
    return ", ".join(said)


def _content(kind: str, content: Node) -> tuple[str, str, str]:
    schema = content.get("schema", {})
    fields = ", ".join(
        f"{name}: {_type(each)}" for name, each in schema.get("properties", {}).items()
    )
    return kind, fields or _type(schema), schema.get("description", "")


def _answered(answer: Node) -> str:
    kinds = answer.get("content", {}).items()
    return ", ".join(f"{_type(each.get('schema', {}))} ({escape(kind)})" for kind, each in kinds)


def _schema(name: str, schema: Node) -> Iterator[str]:
    told, entries = _numpy(schema.get("description", ""))
    yield f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3>'
    yield _prose(told)
    if "enum" in schema:
        yield f"<p>{', '.join(f'<code>{escape(str(each))}</code>' for each in schema['enum'])}</p>"
    required = schema.get("required", ())
    rows = [
        (
            field,
            _type(each) + (", required" if field in required else ""),
            each.get("description", "") or entries.get(field, ""),
        )
        for field, each in schema.get("properties", {}).items()
    ]
    yield _table(("field", "type", "meaning"), rows)


def _type(schema: Node) -> str:
    """The type of a value, in words; a schema by its name and a link."""
    if reference := schema.get("$ref"):
        name = escape(reference.rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(_type(each) for each in choices)
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items') or {})}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}"
    return escape(schema.get("format") or str(kind))


def _table(titles: tuple[str, ...], rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{title}</th>" for title in titles)
    lines = (
        f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td><td>{_words(text)}</td></tr>"
        for name, kind, text in rows
    )
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _prose(text: str) -> str:
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text))
    return "".join(f"<p>{_words(each)}</p>" for each in paragraphs if each)


def _words(text: str) -> str:
    """A text with its literals set as code."""
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escape(text, quote=False))


def _numpy(text: str) -> tuple[str, dict[str, str]]:
    """Split a docstring in NumPy form: the text before its sections, and the parameters by name."""
    told, *sections = re.split(r"\n+(\w+)\n-+\n", "\n" + inspect.cleandoc(text))
    entries: dict[str, str] = {}
    for title, section in zip(sections[::2], sections[1::2], strict=True):
        if title == "Parameters":
            for names, lines in re.findall(r"^(\S.*)\n((?:[ \t]+.*\n?|\n)+)", section, re.M):
                entries |= dict.fromkeys(names.split(", "), " ".join(lines.split()))
    return told, entries
