"""Reads, checks and rewrites ONNX graphs. Needs the `onnx` package, never a runtime."""

from devices.models.checks import check_model
from devices.models.info import ModelInfo, TensorInfo, read_model
from devices.models.limits import ModelLimits
from devices.models.sandbox import check_in_child
from devices.models.shapes import assumed_axes, bind_shapes, infer_shapes, pin_shapes

__all__ = [
    "ModelInfo",
    "ModelLimits",
    "TensorInfo",
    "assumed_axes",
    "bind_shapes",
    "check_in_child",
    "check_model",
    "infer_shapes",
    "pin_shapes",
    "read_model",
]
