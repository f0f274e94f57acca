"""Contents that a model file may not have, each with its answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from devices.models import ModelLimits, check_model
from scheduler.model.errors import InvalidModel, TooLarge
from tests import onnx_models as onnx


def _external() -> TensorProto:
    return onnx.with_external(numpy_helper.from_array(np.ones(4, dtype=np.float32), "w"))


def _in_initialiser() -> ModelProto:
    model = onnx.relu()
    model.graph.initializer.append(_external())
    return model


def _in_attribute() -> ModelProto:
    return onnx.model([helper.make_node("Constant", [], ["y"], value=_external())])


def _in_subgraph() -> ModelProto:
    model = onnx.nested(2)
    outer = model.graph.node[0].attribute[0].g
    outer.node[0].attribute[1].g.initializer.append(_external())
    return model


def _in_function() -> ModelProto:
    body = [helper.make_node("Constant", [], ["b"], value=_external())]
    function = helper.make_function(
        "mine", "F", ["a"], ["b"], body, [helper.make_opsetid("", onnx.OPSET)]
    )
    call = helper.make_node("F", ["x"], ["y"], domain="mine")
    return onnx.model([call], functions=[function])


def _in_sparse_initialiser() -> ModelProto:
    model = onnx.relu()
    indices = numpy_helper.from_array(np.array([0]), "i")
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(1, dtype=np.float32), "w"), indices, [4]
    )
    onnx.with_external(sparse.values)
    model.graph.sparse_initializer.append(sparse)
    return model


@pytest.mark.parametrize(
    "make", [_in_initialiser, _in_attribute, _in_subgraph, _in_function, _in_sparse_initialiser]
)
def test_external_data_is_refused_wherever_it_hides(
    tmp_path: Path, make: Callable[[], ModelProto]
) -> None:
    with pytest.raises(InvalidModel, match="'w' must be inside the file; it refers to external"):
        check_model(onnx.save(make(), tmp_path))


def test_a_custom_domain_is_refused_by_name(tmp_path: Path) -> None:
    model = onnx.model([helper.make_node("Gelu", ["x"], ["y"], name="g", domain="acme")])
    with pytest.raises(InvalidModel, match=r"node 'g' .* got Gelu of custom domain 'acme'"):
        check_model(onnx.save(model, tmp_path))


def test_a_custom_domain_is_found_in_subgraphs(tmp_path: Path) -> None:
    model = onnx.nested(1)
    model.graph.node[0].attribute[0].g.node[0].domain = "acme"
    with pytest.raises(InvalidModel, match="custom domain 'acme'"):
        check_model(onnx.save(model, tmp_path))


def test_functions_that_the_file_itself_defines_are_allowed(tmp_path: Path) -> None:
    function = helper.make_function(
        "mine", "F", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])],
        [helper.make_opsetid("", onnx.OPSET)],
    )  # fmt: skip
    model = onnx.model([helper.make_node("F", ["x"], ["y"], domain="mine")], functions=[function])
    assert check_model(onnx.save(model, tmp_path)).nodes == 2


@pytest.mark.parametrize("domain", ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"])
def test_standard_domains_and_those_of_the_runtime_are_allowed(tmp_path: Path, domain: str) -> None:
    model = onnx.model([helper.make_node("Gelu", ["x"], ["y"], domain=domain)])
    assert check_model(onnx.save(model, tmp_path)).nodes == 1


def test_a_compiled_context_is_refused(tmp_path: Path) -> None:
    call = helper.make_node("EPContext", ["x"], ["y"], name="c", domain="com.microsoft")
    with pytest.raises(InvalidModel, match="node 'c' must not be EPContext"):
        check_model(onnx.save(onnx.model([call]), tmp_path))


def test_subgraphs_that_nest_too_deeply_are_refused(tmp_path: Path) -> None:
    path = onnx.save(onnx.nested(3), tmp_path)
    assert check_model(path, ModelLimits(max_depth=3)).nodes == 15
    with pytest.raises(InvalidModel, match="nest at most 2 deep"):
        check_model(path, ModelLimits(max_depth=2))


def test_a_file_over_its_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)  # a hole: takes no space
    with pytest.raises(TooLarge, match="at most 2147483647 bytes; got 3221225472"):
        check_model(path)


def test_more_nodes_than_the_limit_are_refused(tmp_path: Path) -> None:
    path = onnx.save(onnx.mlp(layers=2), tmp_path)
    assert check_model(path, ModelLimits(max_nodes=4)).nodes == 4
    with pytest.raises(TooLarge, match="at most 3 nodes; got 4"):
        check_model(path, ModelLimits(max_nodes=3))


def test_a_constant_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    model = onnx.relu()
    model.graph.initializer.append(TensorProto(name="w", dims=[1 << 40], data_type=onnx.FLOAT))
    with pytest.raises(TooLarge, match=r"'w' must have at most .* shape \[1099511627776\]"):
        check_model(onnx.save(model, tmp_path))


def test_a_negative_size_is_refused(tmp_path: Path) -> None:
    model = onnx.relu()
    model.graph.initializer.append(TensorProto(name="w", dims=[-1], data_type=onnx.FLOAT))
    with pytest.raises(InvalidModel, match=r"'w' must have sizes >= 0; got \[-1\]"):
        check_model(onnx.save(model, tmp_path))
