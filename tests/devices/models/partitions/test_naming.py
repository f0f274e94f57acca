"""Cuts by name: legal ones make convex pieces, others are refused by name."""

from __future__ import annotations

import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

from devices.models.partitions.bonds import bonds
from devices.models.partitions.extracting import extract
from devices.models.partitions.links import Links
from devices.models.partitions.naming import pieces_between
from scheduler.model.errors import InvalidModel
from tests.onnx_models import model, node, weights


def diamond() -> ModelProto:
    """A layer, two branches that meet again, a layer."""
    nodes = [
        node("Relu", "x", "a"),
        node("Sigmoid", "a", "left"),
        node("Tanh", "a", "right"),
        node("Add", "left right", "c"),
        node("Mul", "c k2", "y"),
    ]
    nodes.insert(0, node("Relu", "k", "k2"))
    return model(nodes, inputs={"x": [2, 4]}, constants={"k": weights(1, 2, 4)})


def with_branch() -> ModelProto:
    """An If whose branches alone read the tensors ``u`` and ``v``."""
    value = helper.make_tensor_value_info
    then = helper.make_graph(
        [node("Add", "u v", "t")], "then", [], [value("t", TensorProto.FLOAT, [2, 4])]
    )
    other = helper.make_graph(
        [node("Identity", "v", "e")], "else", [], [value("e", TensorProto.FLOAT, [2, 4])]
    )
    nodes = [
        node("Relu", "x", "u"),
        node("Exp", "u", "v"),
        node("If", "c", "y", then_branch=then, else_branch=other),
    ]
    made = model(nodes, inputs={"x": [2, 4]})
    made.graph.input.append(value("c", TensorProto.BOOL, []))
    return made


def sides(piece: ModelProto) -> tuple[list[str], list[str]]:
    return [v.name for v in piece.graph.input], [v.name for v in piece.graph.output]


def test_a_cut_through_branches_holds_a_tensor_of_each() -> None:
    links = Links.of(diamond())
    pieces = [extract(links, nodes) for nodes in pieces_between(links, [["left", "right"]])]
    assert [sides(piece) for piece in pieces] == [
        (["x"], ["left", "right"]),
        (["left", "right"], ["y"]),
    ]


def test_constants_and_what_follows_from_them_go_with_the_piece_that_reads_them() -> None:
    links = Links.of(diamond())
    first, last = (extract(links, nodes) for nodes in pieces_between(links, [["c"]]))
    assert [len(piece.graph.initializer) for piece in (first, last)] == [0, 1]
    assert [each.op_type for each in last.graph.node] == ["Relu", "Mul"]


def test_a_piece_keeps_what_a_branch_alone_reads() -> None:
    links = Links.of(with_branch())
    (whole,) = (extract(links, nodes) for nodes in pieces_between(links, []))
    assert [each.op_type for each in whole.graph.node] == ["Relu", "Exp", "If"]
    _, last = (extract(links, nodes) for nodes in pieces_between(links, [["u", "v"]]))
    assert (sorted(sides(last)[0]), sides(last)[1]) == (["c", "u", "v"], ["y"])
    onnx.checker.check_model(last)


@pytest.mark.parametrize(
    ("cuts", "law"),
    [
        ([["nowhere"]], r"cuts\[0\] must name tensors that nodes make; 'nowhere' is no tensor"),
        ([["x"]], r"'x' is an input or a constant"),
        ([["k2"]], r"'k2' is an input or a constant"),
        ([["left"]], r"cuts\[0\] must hold every tensor that crosses it.*'a' cross it, too"),
        ([["a", "left", "right"]], r"later nodes read; none reads 'a'"),
        ([["c"], ["left", "right"]], r"cuts\[1\] must hold every tensor.*'c' cross it, too"),
        ([["c"], ["c"]], r"cuts\[1\] must have a node on either side of it; got 'c'"),
        ([["y"]], r"none reads 'y'"),
    ],
)
def test_a_cut_that_is_none_is_refused_by_name(cuts: list[list[str]], law: str) -> None:
    with pytest.raises(InvalidModel, match=law):
        pieces_between(Links.of(diamond()), cuts)


def test_no_cut_parts_integers_of_64_bits_or_the_floats_of_a_quantised_layer() -> None:
    nodes = [
        node("Cast", "x", "i", to=TensorProto.INT64),
        node("Cast", "i", "f", to=TensorProto.FLOAT),
        node("QuantizeLinear", "f scale", "q"),
        node("DequantizeLinear", "q scale", "d"),
        node("Relu", "d", "y"),
    ]
    links = Links.of(
        model(nodes, inputs={"x": [4]}, constants={"scale": weights(1, 1).reshape(())})
    )
    # The one place that is left is the tensor of integers of 8 bits.
    assert set(bonds(links)) == {(0, 1), (1, 2), (3, 4)}
