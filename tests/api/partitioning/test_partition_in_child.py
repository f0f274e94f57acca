"""Partitions as the child makes them."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto

from api.partitioning import MadePartition, Wanted, partition_in_child
from devices.models import ModelLimits, read_model
from scheduler.model.errors import InvalidModel
from tests.onnx_models import Array, conv_net, mlp, model, node, save

SHAPE = (4, 256)


def made(
    wanted: Wanted,
    folder: Path,
    whole: ModelProto | None = None,
    shape: tuple[int, ...] = SHAPE,
) -> MadePartition:
    return partition_in_child(
        save(whole or mlp(layers=6, width=256), folder, "whole"),
        wanted,
        folder=folder,
        shapes={"x": shape},
        examples={},
        limits=ModelLimits(),
    )


def test_a_search_never_cuts_inside_a_fusion(tmp_path: Path) -> None:
    found = made(Wanted(pieces=2), tmp_path, conv_net(), (1, 3, 32, 32))
    assert found.cuts[0][0] not in {"c0", "c1"}
    assert (found.is_bitwise, found.inputs_tried) == (True, 3)
    for piece in found.pieces:
        content = (tmp_path / piece.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == piece.digest
        assert read_model(tmp_path / piece.file).inputs == piece.inputs


def test_cuts_by_name_give_the_pieces_between_them(tmp_path: Path) -> None:
    found = made(Wanted(cuts=(("r0",), ("r3",))), tmp_path)
    assert [[t.name for t in piece.outputs] for piece in found.pieces] == [["r0"], ["r3"], ["y"]]
    assert [piece.shapes for piece in found.pieces] == [{"x": SHAPE}, {"r0": SHAPE}, {"r3": SHAPE}]


def test_no_piece_takes_longer_than_the_bound_that_is_asked_for(tmp_path: Path) -> None:
    heavy, shape = mlp(layers=6, width=1024, batch=64), (64, 1024)
    for _ in range(5):  # on a busy box the whole takes another time at each look
        bound_us = made(Wanted(pieces=2), tmp_path, heavy, shape).whole_us * 3 // 4
        with suppress(InvalidModel):
            found = made(Wanted(within_us=bound_us), tmp_path, heavy, shape)
            break
    assert max(piece.run_us for piece in found.pieces) <= bound_us


@pytest.mark.parametrize(
    ("wanted", "law"),
    [
        (Wanted(within_us=1), "preemptible_within_ms must be at least the time of the longest"),
        (Wanted(within_us=10_000_000), "must be below the time of the whole"),
        (Wanted(cuts=(("m9",),)), "'m9' is no tensor of that name"),
    ],
)
def test_a_wish_that_nothing_fulfils_is_refused(tmp_path: Path, wanted: Wanted, law: str) -> None:
    with pytest.raises(InvalidModel, match=law):
        made(wanted, tmp_path)


def test_a_quantised_model_is_cut_at_its_integers_and_stays_equal(tmp_path: Path) -> None:
    nodes = [node("QuantizeLinear", "x s z", "q0")]
    constants: dict[str, Array] = {
        "s": np.array(0.05, np.float32),
        "ws": np.array(0.01, np.float32),
        "z": np.array(0, np.int8),
    }
    for layer in range(3):
        constants[f"w{layer}"] = np.full((16, 16, 3, 3), layer - 1, np.int8)
        nodes += [
            node("DequantizeLinear", f"q{layer} s z", f"d{layer}"),
            node("DequantizeLinear", f"w{layer} ws z", f"f{layer}"),
            node("Conv", f"d{layer} f{layer}", f"c{layer}", pads=[1, 1, 1, 1]),
            node("QuantizeLinear", f"c{layer} s z", f"q{layer + 1}"),
        ]
    nodes.append(node("DequantizeLinear", "q3 s z", "y"))
    whole = model(nodes, inputs={"x": [1, 16, 16, 16]}, constants=constants)
    found = made(Wanted(pieces=2), tmp_path, whole, (1, 16, 16, 16))
    assert set(found.cuts[0]) <= {"q1", "q2"}
    assert found.is_bitwise


def test_more_pieces_than_help_are_refused_with_the_number_that_does(
    tmp_path: Path,
) -> None:
    with pytest.raises(InvalidModel, match="pieces must be at most"):
        made(Wanted(pieces=6), tmp_path, conv_net(), (1, 3, 32, 32))


def test_a_model_whose_output_needs_no_input_is_not_cut(tmp_path: Path) -> None:
    nodes = [node("Relu", "x", "z"), node("Constant", "", "y", value_float=1.0)]
    with pytest.raises(InvalidModel, match="'y' is not"):
        made(Wanted(pieces=2), tmp_path, model(nodes, outputs=("y", "z")), (1, 4))
