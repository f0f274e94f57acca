"""ONNX Runtime as it comes out of the box: the baseline of comparisons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import onnxruntime

from devices.tensors import Array

Plain = Callable[[Mapping[str, Array]], dict[str, Array]]


def plain_session(path: Path) -> Plain:
    """Open a model on the CPU with default options: all cores, and idle threads that spin.

    Returns
    -------
    Plain
        Takes inputs by name and gives outputs by name.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return run
