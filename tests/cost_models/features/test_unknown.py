"""Unknown operators are named, and never counted as nothing."""

import math

from onnx import helper

from cost_models.features import FEATURES, OperatorClass, graph_cost, vector
from tests.cost_models.features.graphs import cost_of, float_bytes, graph, one, zeros
from tests.onnx_models import node


def test_an_operator_of_a_custom_domain_is_named_and_costs_something() -> None:
    nodes = [helper.make_node("Fancy", ["x"], ["y"], domain="com.example")]
    cost = cost_of(nodes, inputs={"x": (4, 6)})
    found = one(cost, "com.example.Fancy")
    assert cost.unknown == ("com.example.Fancy",)
    assert cost.assumed == ("y",)
    assert (found.op_class, found.known) == (OperatorClass.UNKNOWN, False)
    assert (found.flops, found.read_bytes) == (24, float_bytes(4, 6))
    assert vector(cost)["unknown_operators"] == 1


def test_a_standard_operator_without_a_rule_is_named() -> None:
    cost = cost_of([node("Det", "x", "y")], inputs={"x": (4, 4)})
    assert cost.unknown == ("Det",)
    # Its shape is known all the same.
    assert cost.assumed == ()


def test_doubt_spreads_to_what_follows_but_is_named_where_it_begins() -> None:
    nodes = [
        helper.make_node("Fancy", ["x"], ["f"], domain="com.example"),
        node("MatMul", "f w", "y"),
    ]
    cost = cost_of(nodes, inputs={"x": (4, 6)}, constants={"w": zeros(6, 8)})
    assert cost.unknown == ("com.example.Fancy",)
    assert not one(cost, "MatMul").known
    # The guess is that the unknown operator keeps the shape.
    assert one(cost, "MatMul").flops == 2 * 4 * 6 * 8


def test_an_operator_that_does_not_fit_its_inputs_is_named() -> None:
    cost = cost_of([node("MatMul", "x w", "y")], inputs={"x": (4, 6)}, constants={"w": zeros(5, 8)})
    assert cost.unknown == ("MatMul",)


def test_a_function_of_the_file_is_counted_by_its_body() -> None:
    body = helper.make_function(
        "com.example",
        "Twice",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 17)],
    )
    call = helper.make_node("Twice", ["x"], ["y"], domain="com.example")
    cost = graph_cost(graph([call], inputs={"x": (4, 6)}, functions=[body]), {})
    assert (cost.unknown, cost.flops) == ((), 24)


def test_an_operator_that_onnx_runtime_fused_has_the_shape_of_its_standard_one() -> None:
    fused = helper.make_node(
        "FusedConv", ["x", "w"], ["c"], domain="com.microsoft", activation="Relu", pads=[1] * 4
    )
    cost = cost_of(
        [fused, node("Relu", "c", "y")],
        inputs={"x": (1, 8, 10, 10)},
        constants={"w": zeros(16, 8, 3, 3)},
    )
    assert cost.unknown == ()
    assert one(cost, "com.microsoft.FusedConv").flops == 2 * 1600 * 72


def test_features_are_finite_and_named_for_an_unknown_and_an_empty_graph() -> None:
    fancy = [helper.make_node("Fancy", ["x"], ["y"], domain="com.example")]
    for nodes in (fancy, [node("Identity", "x", "y")]):
        features = vector(cost_of(nodes, inputs={"x": (4, 6)}))
        assert tuple(features) == FEATURES
        assert all(map(math.isfinite, features.values()))
