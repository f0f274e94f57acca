"""Loads model files into ONNX Runtime, also those that a newer exporter wrote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import onnxruntime as ort

from devices.models.info import parse
from devices.runtime.errors import ProviderRefused
from scheduler.model.messages import Verdict

# ONNX Runtime has no class of exception for these: the numbers are in its words.
_IR_VERSION = re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)")
_OPSET = re.compile(
    r"Opset (\d+) is under development.*support for domain (\S+) is till opset (\d+)"
)


def inference_session(path: Path, options: Any, **arguments: Any) -> Any:
    """A session of ONNX Runtime on a file.

    A file whose IR version is newer than the runtime is loaded as one of the newest that it takes:
    what a graph means hangs on its opsets, and those are not touched.

    Raises
    ------
    ProviderRefused
        If an opset is newer than the runtime; it says what to export.
    """
    try:
        return ort.InferenceSession(str(path), options, **arguments)
    except Exception as error:
        found = _IR_VERSION.search(str(error))
        if found is None:
            _refuse_opset(error)
            raise
        newest = int(found[2])
    model = parse(path)
    model.ir_version = newest
    try:
        # From memory: the child that checks a strange file may write none.
        return ort.InferenceSession(model.SerializeToString(), options, **arguments)
    except Exception as error:
        _refuse_opset(error)
        raise


def _refuse_opset(error: Exception) -> None:
    found = _OPSET.search(str(error))
    if found is None:
        return
    opset, domain, newest = found.groups()
    law = f"onnxruntime {ort.__version__} takes opsets of {domain} up to {newest}"
    advice = f"export the model with opset_version={newest} or lower"
    raise ProviderRefused(Verdict.UNSUPPORTED, f"{law}; got {opset}: {advice}") from error
