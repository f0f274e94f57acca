"""One training: read the measurements, judge a new model, and keep it if it is no worse."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cost_models.learned import Artifact, artifact_from
from cost_models.learned.champion import Comparison, challenge
from cost_models.profiles.store import read
from devices.runtime.regressor import open_regressor
from scheduler.model.errors import InvalidArtifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The end of a training.

    Parameters
    ----------
    champion
        The model that stood in the file before; ``None`` where the roofline was the champion.
    notes
        Sentences for a person: rows that were passed over, a file that was no model.
    """

    verdict: Comparison
    champion: Artifact | None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        artifact = self.verdict.artifact
        return {
            "replaced": self.verdict.is_replaced,
            "held_out_families": self.verdict.families,
            "champion": "artifact" if self.champion else "roofline",
            "champion_loss": self.verdict.champion_loss,
            "challenger_loss": self.verdict.challenger_loss,
            "digest": artifact.digest if artifact else None,
            "data_digest": artifact.data_digest if artifact else None,
            "rows": artifact.rows if artifact else 0,
            "seed": artifact.seed if artifact else None,
            "metrics": dict(artifact.metrics) if artifact else {},
        }


def train(folder: Path, into: Path, *, seed: int = 0) -> Trained:
    """Train on a folder of measurements, and replace the model of a file by a better one.

    Parameters
    ----------
    into
        File of the model. One that is there is the champion; without one the roofline is.

    Raises
    ------
    InvalidMeasurement
        If there are too few families to train on some and judge on others.
    """
    found = read(folder)
    champion, doubt = _champion(into)
    verdict = challenge(champion, found.measurements, seed=seed, opener=open_regressor)
    if verdict.is_replaced and verdict.artifact is not None:
        _write_whole(into, verdict.artifact.to_bytes())
    notes = (*found.warnings, *doubt)
    return Trained(verdict=verdict, champion=champion, notes=notes)


def _champion(path: Path) -> tuple[Artifact | None, tuple[str, ...]]:
    """The model of a file, and a sentence about a file that holds none."""
    if not path.exists():
        return None, ()
    try:
        return artifact_from(path.read_bytes()), ()
    except InvalidArtifact as error:
        return None, (f"{path} is no champion: {error.message}",)


def _write_whole(path: Path, data: bytes) -> None:
    """Write all of a file or nothing, and sync it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
