"""Reads, checks and rewrites ONNX graphs. Needs the `onnx` package, never a runtime.

`info.py` reads inputs and outputs, `checks.py` refuses bad files, `sandbox.py` does so in a
confined child, `shapes.py` binds open sizes, `partitions` cuts them. The one room that
cost models see; it may import the model alone. Begin with `info.py`.

Examples
--------
>>> from onnx import TensorProto, helper
>>> from devices.models.info import describe
>>> x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 4]) for n in "xy")
>>> graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
>>> info = describe(helper.make_model(graph), 0)
>>> bind_shapes(info, {}), bind_shapes(info, {"x": (2, 4)})
({'x': (1, 4)}, {'x': (2, 4)})
"""

from devices.models.checks import check_model
from devices.models.info import ModelInfo, TensorInfo, read_model
from devices.models.limits import ModelLimits
from devices.models.sandbox import check_in_child
from devices.models.shapes import AssumedSize, assumed_sizes, bind_shapes, infer_shapes, pin_shapes

__all__ = [
    "AssumedSize",
    "ModelInfo",
    "ModelLimits",
    "TensorInfo",
    "assumed_sizes",
    "bind_shapes",
    "check_in_child",
    "check_model",
    "infer_shapes",
    "pin_shapes",
    "read_model",
]
