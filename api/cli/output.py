"""Output of commands: a table for people, JSON for programs, one clear line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.progress import Progress

US_PER_MS = 1_000
CHART_WIDTH = 100
FILE_WIDTH = 160
"""Characters in a line that does not go to a terminal."""
STATE_STYLES = {
    "finished": "green",
    "running": "cyan",
    "failed": "red",
    "cancelled": "yellow",
    "usable": "green",
    "optimal": "green",
    "up": "green",
    "down": "red",
    "ok": "green",
    "note": "yellow",
    "bad": "red",
    "lost": "red",
}


def console() -> Console:
    """Open the terminal; made anew because tests replace standard output."""
    found = Console(highlight=False)
    # A file or a pipe has no width; a table for a person is folded, one for grep is not.
    return found if found.is_terminal else Console(highlight=False, width=FILE_WIDTH)


def chart_width() -> int:
    """Characters that a chart may take in one line."""
    return min(console().width, CHART_WIDTH)


def print_json(value: Any) -> None:
    """Print a value for a program to read, and nothing else."""
    json.dump(value, sys.stdout, indent=None if not sys.stdout.isatty() else 2, default=str)
    tell("")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str, right: Sequence[str] = ()
) -> None:
    """Print a table, or one line if there is nothing to show.

    Parameters
    ----------
    right
        Columns of numbers.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in right else "left"
        # Only the last column, where reasons stand, gives way in a narrow terminal.
        is_last = column == columns[-1]
        table.add_column(column, justify=justify, no_wrap=not is_last, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    if table.row_count:
        console().print(table)
    else:
        console().print(empty, style="dim")


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    style = STATE_STYLES.get(text)
    return f"[{style}]{text}[/{style}]" if style else text.replace("[", r"\[")


def fail(message: str) -> None:
    """Print an error as one line to standard error."""
    # Messages hold shapes and choices in brackets, which are no markup.
    text = escape(" ".join(message.split()))
    Console(stderr=True, highlight=False).print(f"[red]error:[/red] {text}", soft_wrap=True)


@contextmanager
def progress(title: str, *, quiet: bool) -> Iterator[Progress]:
    """Show how far long work is, and the description of its task behind that.

    On standard error, so that output stays clean.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn(title, markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    terminal = Console(stderr=True)
    with Progress(
        *columns, console=terminal, transient=True, disable=quiet or not terminal.is_terminal
    ) as shown:
        yield shown


def milliseconds(duration_us: float | None) -> str:
    """Write a duration in milliseconds, or nothing if there is none."""
    return "" if duration_us is None else f"{duration_us / US_PER_MS:,.1f}"


def gibibytes(size_bytes: int) -> str:
    """Write a size of memory."""
    return f"{size_bytes / 1024**3:.1f} GiB" if size_bytes else ""


def pairs(values: Mapping[str, Any]) -> str:
    """Write a mapping in one cell."""
    return ", ".join(f"{name}={value}" for name, value in values.items())


def tell(message: str) -> None:
    """Print a line for the user at once: a reader behind a pipe waits for it."""
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


def note(message: str) -> None:
    """Say something beside the output: on standard error."""
    Console(stderr=True, highlight=False).print(message, style="dim", soft_wrap=True, markup=False)
