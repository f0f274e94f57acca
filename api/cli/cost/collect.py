"""``fjord cost collect``: measures real models on this box, idle and under load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options, output


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(collect)


def collect(
    into: Annotated[Path, typer.Option(help="Folder that the rows are appended to.")],
    models: Annotated[
        list[str] | None, typer.Option(help="Further model files; may be repeated.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="Time to measure.")] = 600.0,
    seed: Annotated[int, typer.Option(help="Of the order and of the loads.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Measure models of installed packages, parts of them and made ones on all machines here.

    Each is run idle and under foreign load of several kinds, so leave the box alone meanwhile. A
    second call with the same folder and seed goes on where the first one stopped.
    """
    from api.tools.collecting.session import collect as measure

    tally = measure(
        into,
        seconds=seconds,
        seed=seed,
        globs=models or (),
        progress=lambda text: typer.echo(text, err=True),
    )
    found = {"rows": tally.rows, "groups": tally.groups, "refused": tally.refused}
    if as_json:
        return output.print_json(found)
    for name, reason in sorted(tally.refused.items()):
        typer.echo(f"left out: {name}: {reason}", err=True)
    typer.echo(f"{tally.rows} rows in {into}")
