"""``fjord cost merge`` and ``fjord cost export``: measurements merged, or written as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options, output

Folder = Annotated[Path, typer.Argument(help="Folder of measurements.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("merge")(merge)
    app.command("export")(export)


def merge(
    folders: Annotated[list[Path], typer.Argument(help="Folders of measurements.")],
    into: Annotated[Path, typer.Option(help="Folder that takes the rows it lacks.")],
    as_json: options.Json = False,
) -> None:
    """Bring the measurements of several boxes together, each row once."""
    from cost_models.profiles import store

    added = store.merge(folders, into)
    found = store.read(into) if into.is_dir() else store.Rows(())
    for warning in found.warnings:
        output.note(warning)
    if as_json:
        total = len(found.measurements)
        return output.print_json({"added": added, "rows": total, "data_digest": found.digest})
    output.tell(f"{added} rows added; {len(found.measurements)} in {into}")


def export(
    folder: Folder,
    file: Annotated[Path, typer.Argument(help="The .parquet file to write.")],
    as_json: options.Json = False,
) -> None:
    """Write measurements as Parquet, one row each, with a column per feature."""
    from cost_models.profiles import parquet, store

    found = store.read(folder)
    for warning in found.warnings:
        output.note(warning)
    parquet.export(found.measurements, file)
    rows = len(found.measurements)
    if as_json:
        return output.print_json({"rows": rows, "data_digest": found.digest, "file": str(file)})
    output.tell(f"{rows} rows written to {file}")
