"""The oracle of a service: which layers it stands on, from what lies in the data folder."""

from __future__ import annotations

import logging
from pathlib import Path

from api.shelf import Shelf, opened
from cost_models.features import GraphCost, graph_cost
from cost_models.layers import Standing
from cost_models.learned import Artifact, Learned
from cost_models.oracle import Oracle
from cost_models.prior import FromOthers, Roofline, Shapes
from cost_models.prior import Graphs as CountGraph
from devices.graph import bind_shapes
from devices.graph.info import describe, parse
from scheduler.model.errors import InvalidArtifact, InvalidModel

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


def build_oracle(data_dir: Path) -> Oracle:
    """The oracle of a brain: it stands on the roofline until the log names a learned model.

    One that is not in the data folder any more is told of in one sentence.
    """
    graphs, shelf = Graphs(data_dir / "models"), Shelf(data_dir, data_dir / ARTIFACT)
    return Oracle([Roofline(graphs)], models=lambda digest: _kept(shelf, digest, graphs))


def oracle_of_file(path: Path, data_dir: Path) -> Oracle:
    """An oracle that knows one model file, whatever digest it is asked for.

    It stands on the learned model of the data folder, if there is a good one. When it is asked it
    raises what `count` raises, for somebody who can mend it.
    """

    def graphs(_: str, shapes: Shapes) -> GraphCost:
        return count(path, shapes)

    found, latest = _standing(None, graphs), data_dir / ARTIFACT
    if latest.is_file():
        try:
            found = _standing(opened(latest), graphs)
        except InvalidArtifact as error:
            found = _without(error, graphs)
    return Oracle(found.layers, artifact=found.artifact, note=found.note)


def _kept(shelf: Shelf, digest: str, graphs: CountGraph) -> Standing:
    try:
        return _standing(shelf.take(digest) if digest else None, graphs)
    except InvalidArtifact as error:
        return _without(error, graphs)


def _standing(learned: Learned | None, graphs: CountGraph) -> Standing:
    if learned is None:
        return Standing(layers=(Roofline(graphs),))
    layers = (FromOthers(learned, graphs), Roofline(graphs))
    return Standing(layers=layers, artifact=_about(learned.artifact))


def _without(error: InvalidArtifact, graphs: CountGraph) -> Standing:
    note = f"{error.message}; predictions start from the roofline"
    _log.warning(note)
    return Standing(layers=(Roofline(graphs),), note=note)


def _about(artifact: Artifact) -> dict[str, str]:
    return {
        "digest": artifact.digest,
        "data_digest": artifact.data_digest,
        "rows": str(artifact.rows),
        "families": ", ".join(artifact.families),
        "providers": ", ".join(artifact.providers),
        **{name: f"{value:.4g}" for name, value in artifact.metrics.items()},
    }
