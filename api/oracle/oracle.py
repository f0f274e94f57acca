"""The oracle of a service: its layers follow from the files of the data folder."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from api.oracle.counting import Counted, KeptCounts, count_all_in_child, count_in_child, read
from api.oracle.counting.child import count
from api.oracle.shelf import Shelf, opened
from cost_models.features import Summary
from cost_models.layers import Standing
from cost_models.learned import Artifact, Learned
from cost_models.oracle import Oracle
from cost_models.prior import FromOthers, Roofline, Shapes
from cost_models.prior import Graphs as CountGraph
from devices.models import ModelLimits
from scheduler.model.errors import InvalidArtifact, InvalidModel

ARTIFACT = "cost-model.json"
"""File of the learned model in the data folder: where `fjord cost train` is to put it."""
MOST_KERNELS = 200_000
"""Kernels of all graphs that are remembered, about 100 MB; a usual graph has a few dozen."""

_LIMITS = ModelLimits()

_log = logging.getLogger(__name__)


class _Memory:
    """Counts by model and shapes, within bounds."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Shapes], Summary | None] = {}
        self._room = MOST_KERNELS

    def __contains__(self, key: tuple[str, Shapes]) -> bool:
        return key in self._known

    def __getitem__(self, key: tuple[str, Shapes]) -> Summary | None:
        return self._known[key]

    def keep(self, key: tuple[str, Shapes], found: Summary | None) -> None:
        self._room -= _size(found)
        if self._room < 0:
            self._known.clear()
            self._room = MOST_KERNELS - _size(found)
        self._known[key] = found

    def forget(self, digest: str) -> None:
        for key in [key for key in self._known if key[0] == digest]:
            self._room += _size(self._known.pop(key))


def _size(found: Summary | None) -> int:
    return 1 + (len(found.kernels) if found is not None else 0)


class Graphs:
    """Costs of models by their graphs, as they were counted and kept in the folder of models.

    Nothing is counted here: a brain asks on the loop that keeps its office. It knows a graph from
    when its oracle was told of it, which is an event of the log, and by a checksum: so the same
    log gives the same predictions, whenever the file came.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: dict[str, str] = {}
        self._memory = _Memory()

    def learn(self, digest: str, counts: str) -> None:
        """Know a graph by the counts of this checksum from now on; not at all if it is empty."""
        self._told.pop(digest, None)
        if counts:
            self._told[digest] = counts
        self._memory.forget(digest)

    def __call__(self, digest: str, shapes: Shapes) -> Summary | None:
        """Costs of a model; ``None`` if it was not counted or cannot have these shapes."""
        if digest not in self._told:
            return None
        key = (digest, shapes)
        if key in self._memory:
            return self._memory[key]
        found = self._read(digest, shapes)
        if found is not None:
            self._memory.keep(key, found)
        return found

    def _read(self, digest: str, shapes: Shapes) -> Summary | None:
        found = read(self._folder, digest)
        if found is None or found.checksum != self._told[digest]:
            _log.info("the counts of model %s are not here", digest[:12])
            return None
        return found.kept.at(shapes)


class ExactGraphs:
    """Costs of models at any shapes: where only others were counted, a child counts these.

    It blocks while that goes on, and is for threads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory = _Memory()

    def __call__(self, digest: str, shapes: Shapes) -> Summary | None:
        """Costs of a model; ``None`` if its file is not here or cannot be counted."""
        key = (digest, shapes)
        if key in self._memory:
            return self._memory[key]
        found = self._find(digest, shapes)
        if found is not None:
            # A refused graph stays refused, so that is kept too, unlike a count that broke off.
            self._memory.keep(key, found.at(shapes))
        return found.at(shapes) if found is not None else None

    def prepare(self, asked: Iterable[tuple[str, Shapes]]) -> None:
        """Count all unknown graphs in one child; one that breaks off is counted when asked."""
        missing = {
            (digest, shapes): (self._folder / f"{digest}.onnx", dict(shapes))
            for digest, shapes in dict.fromkeys(asked)
            if (digest, shapes) not in self._memory and not self._is_kept(digest, shapes)
        }
        here = {key: item for key, item in missing.items() if item[0].is_file()}
        if len(here) < 2:
            return
        try:
            found = count_all_in_child(list(here.values()), is_background=True)
        except InvalidModel as error:
            _log.info("graphs cannot be counted together: %s", error)
            return
        for key, counted in zip(here, found, strict=True):
            self._memory.keep(key, counted.kept.at(key[1]))

    def _is_kept(self, digest: str, shapes: Shapes) -> bool:
        kept = read(self._folder, digest)
        found = kept.kept.at(shapes) if kept is not None else None
        return found is not None and not found.is_scaled

    def _find(self, digest: str, shapes: Shapes) -> KeptCounts | None:
        kept = read(self._folder, digest)
        found = kept.kept.at(shapes) if kept is not None else None
        if kept is not None and found is not None and not found.is_scaled:
            return kept.kept
        path = self._folder / f"{digest}.onnx"
        again = counts_of(path, dict(shapes), is_background=True) if path.is_file() else None
        return again.kept if again is not None else None


def counts_of(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    *,
    limits: ModelLimits = _LIMITS,
    is_background: bool = False,
) -> Counted | None:
    """Count a model file in a child; ``None`` if that broke off."""
    try:
        return count_in_child(path, shapes, limits, is_background=is_background)
    except InvalidModel as error:
        # Costs are advice: a graph that cannot be counted can still be measured.
        _log.info("the graph of %s cannot be counted: %s", path.name, error)
        return None


def summary_of(path: Path, shapes: Shapes) -> Summary:
    """Count a model file here and now; open sizes are those that it would be measured with.

    Raises
    ------
    InvalidModel
        If the file is no model, the shapes do not fit it, or it cannot be followed.
    """
    found = count(path, dict(shapes))
    if found.summary is None:
        raise InvalidModel(found.refusal, field="model")
    return found.summary


def build_oracle(data_dir: Path) -> Oracle:
    """The oracle of a brain: it stands on the roofline until the log names a learned model.

    One that is not in the data folder any more is told of in one sentence.
    """
    graphs, shelf = Graphs(data_dir / "models"), Shelf(data_dir, data_dir / ARTIFACT)
    return Oracle(
        [Roofline(graphs)],
        graphs=graphs,
        models=lambda digest: _kept(shelf, digest, graphs),
    )


def oracle_of_file(path: Path, data_dir: Path) -> Oracle:
    """An oracle that knows one model file, whatever digest it is asked for.

    It stands on the learned model of the data folder, if there is a good one. When it is asked it
    raises what `summary_of` raises, for somebody who can mend it.
    """

    def graphs(_: str, shapes: Shapes) -> Summary:
        return summary_of(path, shapes)

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
