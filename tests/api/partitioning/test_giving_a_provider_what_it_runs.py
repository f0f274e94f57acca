"""Partitions for providers that refuse a whole model, or compute it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import ModelProto, NodeProto

from api.partitioning import MAX_PIECES, MadePartition, Wanted, partition_in_child
from devices.catalogue import provider
from devices.models import ModelLimits
from devices.runtime.canary import canary
from devices.runtime.errors import ProviderRefused
from scheduler.model.errors import InvalidModel
from scheduler.model.messages import Verdict
from tests.onnx_models import Array, model, node, save, weights

SIDE = (1, 16, 32, 32)
WEBGPU_WRONG = [node("Conv", "r2 wa", "a"), node("Conv", "a wb", "odd", pads=[1, 1, 1, 1])]
"""Of 33 channels, which onnxruntime-ep-webgpu 0.4.0 computes wrong."""
QNN_LACKS = [node("Softsign", "r2", "odd")]


def layers(middle: list[NodeProto]) -> ModelProto:
    """Eight convolutions, with something else after the third that makes ``odd`` of ``r2``."""
    nodes, last = [], "x"
    constants: dict[str, Array] = {
        "wa": weights(20, 33, 16, 1, 1),
        "wb": weights(21, 16, 33, 3, 3),
    }
    for layer in range(8):
        made = "y" if layer == 7 else f"r{layer}"
        constants[f"w{layer}"] = weights(layer, 16, 16, 3, 3)
        nodes += [
            node("Conv", f"{last} w{layer}", f"c{layer}", pads=[1, 1, 1, 1]),
            node("Relu", f"c{layer}", made),
        ]
        nodes += middle if layer == 2 else []
        last = "odd" if layer == 2 else made
    return model(nodes, inputs={"x": SIDE}, constants=constants)


def made(name: str, middle: list[NodeProto], folder: Path) -> MadePartition:
    return partition_in_child(
        save(layers(middle), folder, "whole"),
        Wanted(provider=name),
        folder=folder,
        shapes={"x": SIDE},
        examples={},
        limits=ModelLimits(),
    )


@pytest.mark.parametrize(
    ("name", "middle", "cuts"),
    [
        pytest.param(
            "webgpu",
            WEBGPU_WRONG,
            (("a",), ("odd",)),
            marks=pytest.mark.provider("webgpu"),
        ),
        pytest.param("qnn", QNN_LACKS, (("r2",), ("odd",)), marks=pytest.mark.provider("qnn")),
    ],
)
def test_what_a_provider_cannot_do_is_a_piece_by_itself_and_the_rest_is_right_there(
    name: str, middle: list[NodeProto], cuts: tuple[tuple[str, ...], ...], tmp_path: Path
) -> None:
    found = made(name, middle, tmp_path)
    assert found.cuts == cuts
    assert found.share > 0.5
    verdicts = []
    for piece in found.pieces:
        try:
            judged = canary(tmp_path / piece.file, provider(name), shapes=piece.shapes)
            verdicts.append(judged.verdict is Verdict.USABLE)
        except ProviderRefused:
            verdicts.append(False)
    assert verdicts == [True, False, True]


@pytest.mark.provider("qnn")
def test_a_provider_that_lacks_operators_all_over_gets_the_longest_stretches(
    tmp_path: Path,
) -> None:
    nodes, last = [], "x"
    for layer in range(10):
        made_by = "Softsign" if layer % 2 else "Relu"
        nodes.append(node(made_by, last, "y" if layer == 9 else f"r{layer}"))
        last = f"r{layer}"
    found = partition_in_child(
        save(model(nodes, inputs={"x": SIDE}), tmp_path, "whole"),
        Wanted(provider="qnn"),
        folder=tmp_path,
        shapes={"x": SIDE},
        examples={},
        limits=ModelLimits(),
    )
    assert 2 <= len(found.pieces) <= MAX_PIECES
    assert 0 < found.share < 1


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("cpu", "cpu must refuse the whole model.*it runs all of it"),
        ("abacus", "abacus"),
    ],
)
def test_a_provider_that_needs_no_cut_or_is_not_there_is_refused(
    name: str, law: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidModel, match=law):
        made(name, QNN_LACKS, tmp_path)
