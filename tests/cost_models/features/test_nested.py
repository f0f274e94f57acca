"""Of a branch the one taken is counted, of a loop its body as often as it runs."""

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper

from cost_models.features import OperatorClass, vector
from tests.cost_models.features.graphs import cost_of, one, zeros
from tests.onnx_models import node

X: dict[str, tuple[int | str | None, ...]] = {"x": (4, 6)}


def body(nodes: list[NodeProto], result: str) -> GraphProto:
    made = helper.make_tensor_value_info(result, TensorProto.FLOAT, None)
    return helper.make_graph(nodes, "body", [], [made])


def branches() -> dict[str, GraphProto]:
    """A cheap branch and one with a matrix product."""
    return {
        "then_branch": body([node("Relu", "x", "cheap")], "cheap"),
        "else_branch": body([node("MatMul", "x w", "dear")], "dear"),
    }


def test_a_branch_that_a_constant_decides_is_the_only_one() -> None:
    constants = {"c": np.array(True), "w": zeros(6, 6)}
    cost = cost_of([node("If", "c", "y", **branches())], inputs=X, constants=constants)
    assert [operator.op_type for operator in cost.operators] == ["Relu"]


def test_a_branch_that_a_shape_decides_is_the_only_one() -> None:
    nodes = [
        node("Size", "x", "n"),
        node("Less", "n limit", "c"),
        node("If", "c", "y", **branches()),
    ]
    constants = {"limit": np.array(25, dtype=np.int64), "w": zeros(6, 6)}
    for batch, taken in ((4, "Relu"), (5, "MatMul")):
        cost = cost_of(nodes, inputs={"x": ("N", 6)}, shapes={"x": (batch, 6)}, constants=constants)
        assert taken in {operator.op_type for operator in cost.operators}
        assert len({"Relu", "MatMul"} & {operator.op_type for operator in cost.operators}) == 1


def test_of_branches_that_data_decides_the_dearer_is_counted() -> None:
    cost = cost_of(
        [node("If", "c", "y", **branches())],
        inputs=X | {"c": ()},
        constants={"w": zeros(6, 6)},
        types={"c": "bool"},
    )
    assert [operator.op_type for operator in cost.operators] == ["If", "MatMul"]
    assert one(cost, "If").op_class is OperatorClass.CONTROL
    assert one(cost, "MatMul").name.startswith("y/else_branch/")


def nest(depth: int) -> NodeProto:
    """An `If` whose branches are such nodes again."""
    inner = node("MatMul", "x w", "y") if depth == 1 else nest(depth - 1)
    return node("If", "c", "y", then_branch=body([inner], "y"), else_branch=body([inner], "y"))


def test_nested_branches_that_data_decides_are_judged_once() -> None:
    # Following both sides of each and then the dearer one again would take 3^10 steps.
    cost = cost_of(
        [nest(10)], inputs=X | {"c": ()}, constants={"w": zeros(6, 6)}, types={"c": "bool"}
    )
    assert [operator.op_type for operator in cost.operators] == ["If"] * 10 + ["MatMul"]


def test_branches_that_use_the_same_names_do_not_meet() -> None:
    first, second = (
        node("If", "c", name, **branches() | {"then_branch": body([made], "t")})
        for name, made in (("u", node("Gemm", "x w", "t")), ("v", node("Gemm", "u z", "t")))
    )
    cost = cost_of(
        [first, second],
        inputs=X,
        outputs=("v",),
        constants={"c": np.array(True), "w": zeros(6, 9), "z": zeros(9, 2)},
    )
    assert [operator.flops for operator in cost.operators] == [2 * 4 * 6 * 9, 2 * 4 * 9 * 2]
    assert cost.critical_path_groups == 2


def loop(trips: str) -> NodeProto:
    """Adds ``x`` to the carried value, and stacks it."""
    inner = helper.make_graph(
        [
            node("Add", "state x", "next"),
            node("Identity", "again", "still"),
            node("Relu", "next", "row"),
        ],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("again", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("row", TensorProto.FLOAT, None),
        ],
    )
    return helper.make_node("Loop", [trips, "", "x"], ["last", "y"], name="loop", body=inner)


def test_a_loop_counts_its_body_as_often_as_it_runs() -> None:
    nodes = [loop("n"), node("Neg", "y", "z")]
    cost = cost_of(
        nodes, inputs=X, constants={"n": np.array(5, dtype=np.int64)}, outputs=("last", "z")
    )
    assert (one(cost, "Add").runs, one(cost, "Add").flops) == (5, 5 * 24)
    # The rounds are stacked: [5, 4, 6].
    assert one(cost, "Neg").flops == 120
    # The loop itself, five sums, five activations, and the last node.
    assert vector(cost)["launches"] == 1 + 5 + 5 + 1
    assert cost.unknown == ()


def test_a_loop_whose_rounds_depend_on_data_is_named() -> None:
    cost = cost_of([loop("n")], inputs=X | {"n": ()}, types={"n": "int64"}, outputs=("last", "y"))
    assert cost.unknown == ("Loop",)
    assert one(cost, "Add").flops == 24


def test_a_scan_runs_once_for_each_element_of_its_axis() -> None:
    inner = helper.make_graph(
        [node("Add", "sum row", "next"), node("Relu", "next", "out")],
        "body",
        [
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("row", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("out", TensorProto.FLOAT, None),
        ],
    )
    scan = helper.make_node(
        "Scan", ["start", "x"], ["total", "y"], name="scan", body=inner, num_scan_inputs=1
    )
    cost = cost_of([scan], inputs={"start": (6,), "x": (4, 6)}, outputs=("total", "y"))
    # Four rows of six.
    assert (one(cost, "Add").runs, one(cost, "Add").flops) == (4, 24)
    assert cost.output_bytes == 4 * (6 + 24)
    assert cost.unknown == ()


def test_weights_inside_a_body_are_parameters() -> None:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [6, 6], [0.0] * 36)
    inner = body([node("MatMul", "x w", "dear")], "dear")
    inner.initializer.append(weights)
    taken = {"then_branch": inner, "else_branch": body([node("Relu", "x", "cheap")], "cheap")}
    nodes = [node("If", "c", "y", **taken)]
    cost = cost_of(nodes, inputs=X, constants={"c": np.array(True)})
    assert cost.parameter_bytes == 4 * 36
