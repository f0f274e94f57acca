"""A file of a few kilobytes that stands for endless work is refused, not counted."""

from itertools import pairwise

import pytest
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, helper

from cost_models.features import graph_cost
from cost_models.features.bounds import MOST_STEPS
from scheduler.model.errors import InvalidModel
from tests.onnx_models import node

OWN = "own"
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid(OWN, 1)]


def function(name: str, *calls: NodeProto) -> FunctionProto:
    return helper.make_function(OWN, name, ["x"], ["y"], list(calls), OPSETS)


def call(name: str, given: str, made: str) -> NodeProto:
    return helper.make_node(name, [given], [made], domain=OWN)


def doubling(depth: int) -> list[FunctionProto]:
    """Functions that call the one before them twice: two to the power of `depth` nodes."""
    functions = [function("f0", node("Relu", "x", "y"))]
    for level in range(depth):
        below = f"f{level}"
        functions.append(function(f"f{level + 1}", call(below, "x", "m"), call(below, "m", "y")))
    return functions


def model(nodes: list[NodeProto], functions: list[FunctionProto]) -> ModelProto:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", value[:1], value[1:])
    return helper.make_model(graph, functions=functions, opset_imports=OPSETS, ir_version=9)


def test_functions_that_call_each_other_without_end_in_sight_are_refused() -> None:
    endless = model([call("f60", "x", "y")], doubling(60))
    assert len(endless.SerializeToString()) < 10_000
    with pytest.raises(InvalidModel, match=f"must have at most {MOST_STEPS} nodes"):
        graph_cost(endless, {})


def test_functions_that_call_each_other_a_few_times_are_counted() -> None:
    cost = graph_cost(model([call("f6", "x", "y")], doubling(6)), {})
    assert len(cost.operators) == 64


def test_function_that_calls_itself_is_refused() -> None:
    circular = [function("a", call("b", "x", "y")), function("b", call("a", "x", "y"))]
    with pytest.raises(InvalidModel, match="'a' must not call itself"):
        graph_cost(model([call("a", "x", "y")], circular), {})


def test_graph_of_too_many_nodes_is_refused() -> None:
    names = ["x", *(f"t{place}" for place in range(MOST_STEPS)), "y"]
    chain = [node("Relu", a, b) for a, b in pairwise(names)]
    with pytest.raises(InvalidModel, match=f"must have at most {MOST_STEPS} nodes"):
        graph_cost(model(chain, []), {})


def test_node_that_lacks_what_it_needs_is_no_reason_to_fail_but_to_say_so() -> None:
    bodiless = helper.make_node("Loop", ["", "", "x"], ["y"])
    with pytest.raises(InvalidModel, match="must be a graph that can be followed; got"):
        graph_cost(model([bodiless], []), {})
