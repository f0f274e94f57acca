"""``fjord cost features``: costs of a model before any measurement of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options

Shape = Annotated[
    list[str],
    typer.Option("--shape", help="Shape of an input, such as x=1,3,48,320. Repeatable."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("features")(features)


def features(
    model: Annotated[Path, typer.Argument(help="An .onnx file.")],
    shape: Shape = [],  # noqa: B006 - typer makes a fresh list for every call
    as_json: options.Json = False,
) -> None:
    """Count arithmetic, traffic, kernels and memory of a model for given input shapes."""
    from api.cli.cost.counting import show

    show(model, shape, as_json=as_json)
