"""Finds the parts of a model that a provider runs, and computes as the CPU does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.catalogue import Provider, provider
from devices.models.partitions.extracting import extract
from devices.models.partitions.links import Links
from devices.models.tracing import with_outputs
from devices.runtime.errors import ProviderRefused, RunFailed
from devices.runtime.judging.deviation import worst
from devices.runtime.session import open_session
from scheduler.model.errors import InvalidModel

MOST_TRIES = 64
"""Sessions that are made on the provider: each operator that it lacks takes some ten."""
MOST_S = 60.0
"""Time for all of them: a simulator may take seconds for one."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Nodes in a row, and true if the provider runs all of them right."""

    nodes: frozenset[int]
    is_right: bool


def stretches(
    links: Links, groups: Sequence[frozenset[int]], row: Provider, inputs: Values, folder: Path
) -> list[Stretch]:
    """Bisect a model into stretches that a provider runs right, and those that it does not.

    A stretch counts as right where a session takes all of its nodes, and its outputs are the CPU's
    within the tolerance of the provider, given what the CPU computed before it. Stretches that are
    right by themselves and wrong together stay apart.

    Parameters
    ----------
    groups
        Nodes that are not parted, in an order in which they can run.
    inputs
        Of the whole model.
    folder
        Takes files while it is tried.

    Raises
    ------
    ProviderRefused, RunFailed
        If the CPU does not run the model.
    """
    trial = _Trial(links, row, _tensors(links, inputs, folder), folder)
    found: list[Stretch] = []
    for each in trial.parts(groups):
        if found and found[-1].is_right is each.is_right:
            # Bisection halves what is right, too: two halves side by side are tried as one.
            union = Stretch(found[-1].nodes | each.nodes, each.is_right)
            if not each.is_right or trial.is_right(union.nodes):
                found[-1] = union
                continue
        found.append(each)
    return found


class _Trial:
    """Sessions of stretches on one provider, within bounds on their number and time."""

    def __init__(self, links: Links, row: Provider, values: Values, folder: Path) -> None:
        self._links = links
        self._row = row
        self._values = values
        self._path = folder / "stretch.onnx"
        self._tries = 0
        self._ends_s = time.monotonic() + MOST_S

    def parts(self, groups: Sequence[frozenset[int]]) -> Iterator[Stretch]:
        """Stretches of groups, each right as a whole, or wrong and not to be parted further."""
        nodes = frozenset().union(*groups)
        is_right = self.is_right(nodes)
        if is_right or len(groups) == 1 or self._is_over():
            yield Stretch(nodes, is_right)
        else:
            middle = len(groups) // 2
            yield from self.parts(groups[:middle])
            yield from self.parts(groups[middle:])

    def _is_over(self) -> bool:
        return self._tries >= MOST_TRIES or time.monotonic() >= self._ends_s

    def is_right(self, nodes: frozenset[int]) -> bool:
        """True if the provider takes all of these nodes and computes them as the CPU does."""
        self._tries += 1
        try:
            model = extract(self._links, nodes)
            self._path.write_bytes(model.SerializeToString())
            given = {v.name: np.asarray(self._values[v.name]) for v in model.graph.input}
            shapes = {name: value.shape for name, value in given.items()}
            session = open_session(self._path, self._row, shapes=shapes, min_coverage=1.0)
            got = session.run(given)
        except (InvalidModel, KeyError, MemoryError, ProviderRefused, RunFailed):
            # A tensor without a known type is no end of a stretch.
            return False
        expected = {name: self._values[name] for name in got if name in self._values}
        return len(expected) == len(got) and worst(expected, got)[1] <= self._row.tolerance


def _tensors(links: Links, inputs: Values, folder: Path) -> Values:
    """All tensors of a model, as the CPU computes them."""
    path = folder / "all.onnx"
    names = [name for i in links.nodes for name in links.node(i).output if name]
    path.write_bytes(with_outputs(links.model, names).SerializeToString())
    return {**inputs, **open_session(path, provider("cpu")).run(inputs)}
