"""``fjord cost train``: a new cost model, which takes over only if it is no worse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options, output

if TYPE_CHECKING:
    from api.learning.training import Trained


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("train")(train)


def train(
    folder: Annotated[Path, typer.Argument(help="Folder of measurements.")],
    into: Annotated[Path, typer.Option(help="File of the cost model; one there is the champion.")],
    seed: Annotated[int, typer.Option(help="The same seed and data give the same model.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Train on measurements, judge on families left out, and keep the better model."""
    from api.learning import training

    trained = training.train(folder, into, seed=seed)
    for note in trained.notes:
        output.note(note)
    if as_json:
        return output.print_json(trained.as_dict())
    _print(trained)


def _print(trained: Trained) -> None:
    verdict = trained.verdict
    before = "the model there" if trained.champion else "the roofline"
    losses = f"loss {verdict.challenger_loss:.4f} against {verdict.champion_loss:.4f}"
    families = ", ".join(verdict.families)
    does = "replaces" if verdict.is_replaced else "is worse than"
    output.tell(f"the new model {does} {before}: {losses} on {families}")
    if verdict.artifact is not None:
        kept = verdict.artifact
        output.tell(f"{kept.digest[:12]}: {kept.rows} rows of {len(kept.families)} families")
