"""A copy of a model with static shapes, for providers that compile for one shape only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnxruntime as ort

from devices.models import infer_shapes, pin_shapes, read_model
from devices.runtime.errors import ProviderRefused
from devices.runtime.loading import inference_session
from scheduler.model.messages import Verdict


def pinned_copy(path: Path, shapes: Mapping[str, tuple[int, ...]], folder: Path) -> Path:
    """Write a copy in which every dimension is known, and give its path.

    Raises
    ------
    ProviderRefused
        If the shape of an input is dynamic and not among `shapes`.
    """
    info = read_model(path)
    if not any(tensor.is_dynamic for tensor in info.inputs):
        return path
    unknown = [t.name for t in info.inputs if t.is_dynamic and t.name not in shapes]
    if unknown:
        raise ProviderRefused(
            Verdict.UNSUPPORTED, f"it needs static shapes; give that of {', '.join(unknown)}"
        )
    pin_shapes(path, shapes, folder / "pinned.onnx")
    _fold(folder / "pinned.onnx", folder / "folded.onnx")
    infer_shapes(folder / "folded.onnx")
    return folder / "folded.onnx"


def _fold(source: Path, target: Path) -> None:
    """Let ONNX Runtime compute the sizes of all tensors: they are constant once the shapes are."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    inference_session(source, options, providers=["CPUExecutionProvider"])
