"""The models that are measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from api.tools.collecting import light, made
from api.tools.collecting.corpus import corpus
from api.tools.collecting.kernels import kernel
from cost_models.features import graph_cost, vector
from devices.catalogue import provider
from devices.models import bind_shapes, read_model
from devices.runtime.inputs import seeded_inputs
from devices.runtime.session import open_session
from tests.onnx_models import relu, save

KINDS = 6
SINGLE = 26
"""Kinds of single kernels, which come in turn."""


def test_made_graphs_are_the_same_for_the_same_seed() -> None:
    first, again, other = (dict(made.graphs(KINDS, seed)) for seed in (1, 1, 2))
    same = [first[name].SerializeToString() == again[name].SerializeToString() for name in first]
    assert all(same)
    assert any(first[n].SerializeToString() != other[n].SerializeToString() for n in first)


def test_single_kernels_are_the_same_for_the_same_seed_and_none_comes_twice() -> None:
    first, again = ([kernel(number, 4) for number in range(SINGLE)] for _ in range(2))
    assert [model.SerializeToString() for _, model in first] == [
        model.SerializeToString() for _, model in again
    ]
    other = [kernel(number, 4)[1].SerializeToString() for number in range(SINGLE, 2 * SINGLE)]
    assert not {model.SerializeToString() for _, model in first} & set(other)


@pytest.mark.parametrize("number", range(2 * SINGLE))
def test_every_single_kernel_runs_and_is_known(tmp_path: Path, number: int) -> None:
    name, model = kernel(number, 3)
    path = save(model, tmp_path, name)
    session = open_session(path, provider("cpu"))
    outputs = session.run(seeded_inputs(session.inputs, bind_shapes(read_model(path), {}), 1))
    cost = graph_cost(model, {})
    assert outputs
    assert (cost.unknown, cost.assumed) == ((), ())


@pytest.mark.parametrize("index", range(2 * KINDS))
def test_every_made_graph_runs_and_is_counted(tmp_path: Path, index: int) -> None:
    name, model = list(made.graphs(2 * KINDS, 3))[index]
    path = save(model, tmp_path, name)
    session = open_session(path, provider("cpu"))
    bound = bind_shapes(read_model(path), {})
    outputs = session.run(seeded_inputs(session.inputs, bound, 1))
    assert all(np.isfinite(value).all() for value in outputs.values())
    cost = graph_cost(model, bound)
    assert cost.unknown == ()
    assert all(np.isfinite(value) for value in vector(cost).values())


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet"])
def test_a_light_network_has_drawn_weights_and_open_sizes(tmp_path: Path, name: str) -> None:
    net = next(net for net in light.NETS if net.name == name)
    path = tmp_path / "net.onnx"
    light.write(net, path, 1)
    session = open_session(path, provider("cpu"))
    for shape in net.shapes[:2]:
        (output,) = session.run(seeded_inputs(session.inputs, {net.input: shape}, 1)).values()
        assert output.shape[0] == shape[0]
        assert np.ptp(output) > 0


def test_models_of_ones_own_are_added_to_what_the_folder_has(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "0-index.json").write_text("[]")
    path = save(relu(), tmp_path, "mine")
    (point,) = corpus(folder, globs=[str(tmp_path / "*.onnx")])
    assert (point.family, point.path, point.shapes) == ("mine", str(path), {"x": (1, 4)})
