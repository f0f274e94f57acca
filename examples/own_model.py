"""Upload a model of your own, chain it with a function, and ask where it would run.

The model is made here, so that the example needs no file: it scores 16 features into 4 classes.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from fjord import Client


def classifier() -> bytes:
    weights = np.random.default_rng(0).standard_normal((16, 4)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["scores"]),
        ],
        "classifier",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, 16])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(weights, "weights")],
    )
    opset = [helper.make_opsetid("", 17)]
    model: bytes = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    return model


def main() -> list[int]:
    with Client() as client:
        client.upload_model("classifier", classifier())
        client.wait_until_profiled(["classifier"])
        client.create_workload(
            {
                "name": "classify",
                "inputs": {"features": {"dtype": "float32", "shape": [1, 16]}},
                "stages": [
                    {"name": "score", "model": "classifier", "inputs": {"features": "features"}},
                    {"name": "best", "function": "arg_max", "inputs": {"scores": "score.scores"}},
                ],
                "outputs": {"class": "best.indices"},
            }
        )
        preview = client.plan("classify", deadline_ms=1000)
        for operation in preview["record"]["operations"]:
            print(operation["stage"], "on", operation["machine"], "by", operation["provider"])
        features = np.ones((1, 16), dtype=np.float32)
        run = client.submit("classify", {"features": features}, deadline_ms=1000, wait_s=10)
        return [int(index) for index in run.results()["class"]]


if __name__ == "__main__":
    print(main())
