"""A section of a page, between two marks, that a benchmark writes its figures into."""

from __future__ import annotations

from pathlib import Path


def write_section(page: Path, name: str, text: str) -> None:
    """Put a section into a page, in place of the one before or at its end; keep the rest.

    Parameters
    ----------
    name
        Of the benchmark, a module of `benchmarks`: the marks carry it.
    """
    begin = f"<!-- {name}: begin, written by benchmarks.{name} -->"
    end = f"<!-- {name}: end -->"
    before = page.read_text(encoding="utf-8") if page.is_file() else ""
    head, found, rest = before.partition(begin)
    tail = rest.partition(end)[2] if found else ""
    section = f"{begin}\n{text.rstrip()}\n{end}"
    page.write_text(f"{head.rstrip()}\n\n{section}{tail.rstrip()}\n", encoding="utf-8")
