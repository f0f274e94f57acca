"""The oracle of a service: which layers it stands on, from what lies in the data folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from cost_models.features import GraphCost, graph_cost
from cost_models.layers import Layer
from cost_models.learned import Artifact, Learned, artifact_from
from cost_models.oracle import Oracle
from cost_models.prior import FromOthers, Roofline, Shapes
from cost_models.prior import Graphs as CountGraph
from devices.graph import bind_shapes
from devices.graph.info import describe, parse
from devices.runtime.regressor import open_regressor
from scheduler.model.errors import InvalidArtifact, InvalidInput, InvalidModel

ARTIFACT = "cost-model.json"
"""File of the learned model in the data folder: where `fjord cost train` is to put it."""
MOST_GRAPHS = 500
"""Models, under different shapes, whose costs are remembered."""

_log = logging.getLogger(__name__)


class Graphs:
    """What models cost by their graphs, read from the folder of models and remembered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, Shapes], GraphCost | None] = {}

    def __call__(self, digest: str, shapes: Shapes) -> GraphCost | None:
        """What a model costs; ``None`` if its file is not here or leaves sizes open."""
        key = (digest, shapes)
        if key not in self._known:
            if len(self._known) >= MOST_GRAPHS:
                self._known.clear()
            self._known[key] = cost_of(self._folder / f"{digest}.onnx", shapes)
        return self._known[key]


def count(path: Path, shapes: Shapes) -> GraphCost:
    """Count a model file; sizes that are left open are those that it would be measured with.

    Raises
    ------
    InvalidModel
        If the file is no model, or the shapes do not fit it.
    """
    model = parse(path)
    return graph_cost(model, bind_shapes(describe(model, 0), dict(shapes)))


def cost_of(path: Path, shapes: Shapes) -> GraphCost | None:
    """Count a model file as `count` does; ``None`` if that cannot be done."""
    try:
        return count(path, shapes)
    except (InvalidModel, OSError) as error:
        # Costs are advice: what cannot be counted can still be measured.
        _log.info("the graph of %s cannot be counted: %s", path.name, error)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What predictions of work that was not measured stand on.

    Parameters
    ----------
    artifact
        What is known of the learned model; empty if there is none.
    """

    layers: tuple[Layer, ...]
    artifact: dict[str, str] = field(default_factory=dict)


def build_oracle(data_dir: Path) -> Oracle:
    """The oracle by what lies in the data folder: learned if there is a good artifact, or not.

    A file that is corrupted is told of in one sentence, and predictions start from the prior.
    """
    return _oracle(data_dir, Graphs(data_dir / "models"))


def oracle_of_file(path: Path, data_dir: Path) -> Oracle:
    """An oracle that knows one model file, whatever digest it is asked for.

    It raises what `count` raises when it is asked, for somebody who can mend it.
    """
    return _oracle(data_dir, lambda _, shapes: count(path, shapes))


def standing(path: Path, graphs: CountGraph) -> Standing:
    """Read the file of a learned model; where there is none, predictions stand on the roofline.

    Raises
    ------
    InvalidArtifact
        If the file is no learned model; it says so in one sentence.
    """
    if not path.is_file():
        return Standing(layers=(Roofline(graphs),))
    try:
        artifact = artifact_from(path.read_bytes())
        learned = Learned.opened(artifact, open_regressor)
    except (InvalidInput, OSError) as error:
        raise InvalidArtifact(f"{path} is no learned cost model: {error}") from error
    return Standing(
        layers=(FromOthers(learned, graphs), Roofline(graphs)), artifact=_about(artifact)
    )


def _oracle(data_dir: Path, graphs: CountGraph) -> Oracle:
    try:
        found = standing(data_dir / ARTIFACT, graphs)
    except InvalidArtifact as error:
        note = f"{error.message}; predictions start from the roofline"
        _log.warning(note)
        return Oracle([Roofline(graphs)], note=note)
    return Oracle(found.layers, artifact=found.artifact)


def _about(artifact: Artifact) -> dict[str, str]:
    return {
        "digest": artifact.digest,
        "data_digest": artifact.data_digest,
        "rows": str(artifact.rows),
        "families": ", ".join(artifact.families),
        "providers": ", ".join(artifact.providers),
        **{name: f"{value:.4g}" for name, value in artifact.metrics.items()},
    }
