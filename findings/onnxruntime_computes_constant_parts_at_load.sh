#!/bin/sh
# onnxruntime 1.31.1 with onnx 1.23.2 (Python 3.11+, Linux, CPU provider, default options).
# Guess: ConstantOfShape followed by an Add with the input is computed at each run, so that the session of a model of
# some 140 bytes stays small and a run pays for its 5,000,000 elements.
# Seen: the tensor is made while the session loads, of any size. The session holds 20 MB for a file of 139 bytes, and the
# optimised file that it writes has 20,000,300 bytes and no ConstantOfShape left.
# Consequences: the size of a file bounds nothing about the memory of its session, and a test or benchmark that makes a
# model slow by nodes that do not hang on an input measures a model without them.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.31.1 onnx==1.23.2
cat > "$folder/look.py" <<'PY'
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ELEMENTS = 5_000_000
graph = helper.make_graph(
    [helper.make_node("ConstantOfShape", ["shape"], ["zeros"]), helper.make_node("Add", ["x", "zeros"], ["y"])],
    "constant_part",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [ELEMENTS])],
    [numpy_helper.from_array(np.array([ELEMENTS]), "shape")],
)
data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
options.optimized_model_filepath = os.path.join(sys.argv[1], "optimised.onnx")
onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
optimised = onnx.load(options.optimized_model_filepath)
nodes = [node.op_type for node in optimised.graph.node]
size = os.path.getsize(options.optimized_model_filepath)
print(f"file: {len(data)} bytes; optimised: {size} bytes, nodes {nodes}")
sys.exit(0 if "ConstantOfShape" not in nodes and size > 4 * ELEMENTS and len(data) < 200 else 1)
PY
"$folder/env/bin/python" "$folder/look.py" "$folder"
