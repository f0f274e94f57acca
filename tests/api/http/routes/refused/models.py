"""Files of models that are refused."""

from __future__ import annotations

import gzip

import onnx
from onnx import TensorProto, helper

from tests.api.http.routes.conftest import MODEL_LIMIT, doubling_model
from tests.api.http.routes.refused.asking import Case, form, model


def _external_data() -> bytes:
    model = onnx.load_from_string(doubling_model())
    (constant,) = model.graph.initializer
    constant.ClearField("float_data")
    constant.ClearField("raw_data")
    constant.data_location = TensorProto.EXTERNAL
    constant.external_data.add(key="location", value="../../etc/passwd")
    content: bytes = model.SerializeToString()
    return content


def _custom_domain() -> bytes:
    node = helper.make_node("Mine", ["x"], ["y"], domain="com.example")
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([node], "g", [value], [result])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    content: bytes = helper.make_model(graph, opset_imports=opsets).SerializeToString()
    return content


CASES = {
    "a file that is no ONNX": Case(
        url="/v1/models", arguments=model(b"\x89PNG" * 100), field="model", words=("ONNX",)
    ),
    "an empty file": Case(
        url="/v1/models", arguments=model(b""), field="file", words=("must be an ONNX file",)
    ),
    "a model with external data": Case(
        url="/v1/models", arguments=model(_external_data()), field="model", words=("external",)
    ),
    "a model of a custom domain": Case(
        url="/v1/models", arguments=model(_custom_domain()), field="model", words=("com.example",)
    ),
    "a model over the limit, which is 2 GB unless set": Case(
        url="/v1/models",
        arguments=model(b"x" * (MODEL_LIMIT + 1)),
        status=413,
        field="file",
        words=(f"at most {MODEL_LIMIT} bytes",),
    ),
    "a name that is taken": Case(
        url="/v1/models",
        arguments=model(doubling_model(77.0), "double"),
        status=409,
        field="name",
        words=("'double' must be new",),
    ),
    "a small file that unpacks to a large one": Case(
        url="/v1/models",
        arguments={
            "content": gzip.compress(form("file", bytes(50 * MODEL_LIMIT))),
            "headers": {
                "content-type": "multipart/form-data; boundary=b",
                "content-encoding": "gzip",
            },
        },
        status=413,
        field="file",
        words=(f"at most {MODEL_LIMIT} bytes",),
    ),
}
