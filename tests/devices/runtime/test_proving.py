"""The proof of a chain of pieces."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import ModelProto, TensorProto

from devices.models.partitions.extracting import extract
from devices.models.partitions.links import Links
from devices.models.partitions.naming import pieces_between
from devices.runtime.proving import SEEDS, Proof, prove
from scheduler.model.errors import InvalidModel
from tests.onnx_models import conv_net, mlp, model, node, save


def proof_of(
    whole: ModelProto, cuts: list[list[str]], folder: Path, shape: tuple[int, ...]
) -> Proof:
    links = Links.of(whole)
    pieces = [extract(links, nodes) for nodes in pieces_between(links, cuts)]
    return prove(
        save(whole, folder),
        [save(piece, folder, f"piece{place}") for place, piece in enumerate(pieces)],
        shapes={"x": shape},
        examples={},
    )


def test_pieces_between_layers_equal_the_whole_bit_by_bit(tmp_path: Path) -> None:
    proof = proof_of(conv_net(), [["r0"], ["g"]], tmp_path, (1, 3, 32, 32))
    assert (proof.inputs, proof.is_bitwise, proof.error) == (len(SEEDS), True, 0.0)
    assert proof.shapes["r0"] == (1, 8, 16, 16)
    assert proof.crossing_bytes == (8 * 16 * 16 * 4, 16 * 4, 0)


def test_a_chain_that_computes_something_else_is_refused_with_the_figures(tmp_path: Path) -> None:
    other = mlp(layers=2)
    other.graph.node[-1].op_type = "Sigmoid"
    with pytest.raises(InvalidModel, match=r"output 'y' is off by .* of its largest value"):
        prove(
            save(mlp(layers=2), tmp_path),
            [save(other, tmp_path, "other")],
            shapes={"x": (4, 64)},
            examples={},
        )


@pytest.mark.parametrize(
    ("kind", "scale", "law"),
    [
        (TensorProto.INT64, 1e12, "must be below 2\\*\\*31 in a tensor of int64"),
        # Cast back it is an infinity here, while a runtime may skip the rounding inside a model.
        (TensorProto.FLOAT16, 1e6, "must be finite in a tensor of float16"),
    ],
)
def test_a_tensor_that_other_providers_would_not_carry_is_no_place_to_cut(
    tmp_path: Path, kind: int, scale: float, law: str
) -> None:
    nodes = [
        node("Constant", "", "k", value_float=scale),
        node("Mul", "x k", "big"),
        node("Cast", "big", "cut", to=kind),
        node("Cast", "cut", "back", to=TensorProto.FLOAT),
        node("Greater", "back zero", "is"),
        node("Cast", "is", "y", to=TensorProto.FLOAT),
    ]
    nodes.insert(0, node("Constant", "", "zero", value_float=0.0))
    with pytest.raises(InvalidModel, match=law):
        proof_of(model(nodes, inputs={"x": [64]}), [["cut"]], tmp_path, (64,))
