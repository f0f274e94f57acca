"""Runs a trained cost model: rows of features in, quantiles out, in one batched call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from scheduler.model.errors import InvalidArtifact

Matrix = NDArray[np.float32]
Regressor = Callable[[Matrix], Matrix]

_LOG_ERRORS = 3


def open_regressor(onnx: bytes) -> Regressor:
    """Load the model on one thread that never spins.

    Returns
    -------
    Regressor
        Takes ``(n, columns)`` and gives ``(n, outputs)``.

    Raises
    ------
    InvalidArtifact
        If the bytes are no such model.
    """
    try:
        engine = ort.InferenceSession(onnx, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InvalidArtifact(f"artifact's model must load; {error}", field="onnx") from error
    (name,) = [node.name for node in engine.get_inputs()]

    def predict(rows: Matrix) -> Matrix:
        (outputs,) = engine.run(None, {name: rows})
        return np.asarray(outputs, dtype=np.float32)

    return predict


def _options() -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options
