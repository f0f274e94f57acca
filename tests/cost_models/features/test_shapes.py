"""Sizes that a file leaves open are bound by the shapes of a request."""

import numpy as np
import pytest

from cost_models.features import graph_cost
from scheduler.model.errors import InvalidModel
from tests.cost_models.features.graphs import Sizes, cost_of, graph, one, zeros
from tests.onnx_models import mlp, node

OPEN: dict[str, Sizes] = {"x": ("N", 8, "H", "W")}


def test_arithmetic_follows_the_size_of_the_request() -> None:
    def flops(batch: int) -> int:
        return graph_cost(mlp(batch="N"), {"x": (batch, 64)}).flops

    assert flops(6) == 3 * flops(2)


def test_an_input_that_is_open_must_be_given() -> None:
    with pytest.raises(InvalidModel, match=r"shapes must bind every input; 'x' is open: \[N, 64\]"):
        graph_cost(mlp(batch="N"), {})


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"x": (2, 63)}, r"shapes\.x must fit \[N, 64\].*; got \[2, 63\]"),
        ({"x": (2, 64), "z": (1,)}, "shapes must be of the inputs x; got 'z'"),
    ],
)
def test_a_shape_that_the_file_forbids_is_refused(
    shapes: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(InvalidModel, match=message):
        graph_cost(mlp(batch="N"), shapes)


def test_sizes_are_followed_through_arithmetic_on_shapes() -> None:
    # Twice the height and width: Shape, Slice, Mul, Concat, Resize.
    nodes = [
        node("Shape", "x", "s"),
        node("Slice", "s two four", "hw"),
        node("Mul", "hw twos", "double"),
        node("Slice", "s zero two", "nc"),
        node("Concat", "nc double", "sizes", axis=0),
        node("Resize", "x roi none sizes", "y", mode="nearest"),
    ]
    nodes[-1].input[2] = ""
    constants = {
        "zero": np.array([0], dtype=np.int64),
        "two": np.array([2], dtype=np.int64),
        "four": np.array([4], dtype=np.int64),
        "twos": np.array([2, 2], dtype=np.int64),
        "roi": zeros(0),
    }
    cost = cost_of(nodes, inputs=OPEN, shapes={"x": (1, 8, 5, 7)}, constants=constants)
    assert one(cost, "Resize").written_bytes == 4 * 8 * 10 * 14
    assert cost.unknown == ()
    assert cost.is_dynamic


def test_arithmetic_on_shapes_that_the_file_states_is_done_at_load() -> None:
    nodes = [node("Shape", "x", "s"), node("Reshape", "x s", "y")]
    static = cost_of(nodes, inputs={"x": (2, 3)})
    dynamic = cost_of(nodes, inputs={"x": ("N", 3)}, shapes={"x": (2, 3)})
    assert [operator.op_type for operator in static.operators] == ["Reshape"]
    assert [operator.op_type for operator in dynamic.operators] == ["Shape", "Reshape"]


def test_a_result_whose_size_depends_on_data_is_named() -> None:
    nodes = [node("NonZero", "x", "i"), node("Cast", "i", "y", to=1)]
    cost = cost_of(nodes, inputs={"x": (4, 6)})
    assert (cost.unknown, cost.assumed) == (("NonZero",), ("i",))
    # At most all 24 elements are not zero: [2, 24] indices.
    assert one(cost, "Cast").flops == 48
    assert not one(cost, "Cast").known


def test_weights_that_an_old_file_lists_as_inputs_need_no_shape() -> None:
    made = graph([node("MatMul", "x w", "y")], inputs={"x": (3, 5), "w": (5, 8)})
    fixed = graph([node("MatMul", "x w", "y")], inputs={}, constants={"w": zeros(5, 8)})
    made.graph.initializer.extend(fixed.graph.initializer)
    assert graph_cost(made, {}).parameter_bytes == 4 * 40


def test_an_input_without_a_rank_is_bound_by_the_request() -> None:
    made = graph([node("Relu", "x", "y")], inputs={"x": ()})
    made.graph.input[0].type.tensor_type.ClearField("shape")
    assert graph_cost(made, {"x": (3, 4)}).flops == 12
