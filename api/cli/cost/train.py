"""``fjord cost train``: a new cost model, which takes over only if it is no worse."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output
from scheduler.model.errors import InvalidArtifact

if TYPE_CHECKING:
    from cost_models.learned import Artifact
    from cost_models.learned.champion import Comparison


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
    from cost_models.learned.champion import challenge
    from cost_models.profiles.store import read
    from devices.runtime.regressor import open_regressor

    found = read(folder)
    for warning in found.warnings:
        output.note(warning)
    champion = _champion(into)
    verdict = challenge(champion, found.measurements, seed=seed, opener=open_regressor)
    if verdict.is_replaced and verdict.artifact is not None:
        _write(into, verdict.artifact.to_bytes())
    if as_json:
        return output.print_json(_as_dict(verdict, champion))
    _print(verdict, champion)


def _champion(path: Path) -> Artifact | None:
    from cost_models.learned import artifact_from

    if not path.exists():
        return None
    try:
        return artifact_from(path.read_bytes())
    except InvalidArtifact as error:
        output.note(f"{path} is no champion: {error.message}")
        return None


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _as_dict(verdict: Comparison, champion: Artifact | None) -> dict[str, Any]:
    artifact = verdict.artifact
    return {
        "replaced": verdict.is_replaced,
        "held_out_families": verdict.families,
        "champion": "artifact" if champion else "roofline",
        "champion_loss": verdict.champion_loss,
        "challenger_loss": verdict.challenger_loss,
        "digest": artifact.digest if artifact else None,
        "data_digest": artifact.data_digest if artifact else None,
        "rows": artifact.rows if artifact else 0,
        "seed": artifact.seed if artifact else None,
        "metrics": dict(artifact.metrics) if artifact else {},
    }


def _print(verdict: Comparison, champion: Artifact | None) -> None:
    before = "the model there" if champion else "the roofline"
    losses = f"loss {verdict.challenger_loss:.4f} against {verdict.champion_loss:.4f}"
    families = ", ".join(verdict.families)
    what = "replaces" if verdict.is_replaced else "is worse than"
    output.tell(f"the new model {what} {before}: {losses} on {families}")
    if verdict.artifact is not None:
        kept = verdict.artifact
        output.tell(f"{kept.digest[:12]}: {kept.rows} rows of {len(kept.families)} families")
