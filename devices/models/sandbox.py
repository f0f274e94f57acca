"""Checks a model file in a child process, so that a hostile one can only hurt the child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from devices.models.info import ModelInfo
from devices.models.limits import ModelLimits
from scheduler.model.errors import InvalidModel, TooLarge

# Loads the model once for real, which this package may not do: hence a module of the runtime.
_CHECKER = "devices.runtime.check"
# The variables that a child process needs; tokens and addresses are not for it.
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT")
_DEFAULT = ModelLimits()
OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Failed to allocate memory", "Cannot allocate memory")
"""Words of Python, C++, ONNX Runtime and the C library."""


class CheckAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """Output of the child: facts about the model, or the reason of a refusal."""

    info: ModelInfo | None = None
    refusal: str = ""
    too_large: bool = False


def check_in_child(path: Path, limits: ModelLimits = _DEFAULT) -> ModelInfo:
    """Check a file and load it once, in a child process with limits on memory and time.

    Raises
    ------
    TooLarge, InvalidModel
        If the file is refused, or the child crashed or ran out of memory or time on it.
    """
    said = run_confined(_CHECKER, str(path), msgspec.json.encode(limits).decode(), limits=limits)
    answer = msgspec.json.decode(said, type=CheckAnswer)
    if answer.info is None:
        raise (TooLarge if answer.too_large else InvalidModel)(answer.refusal, field="model")
    return answer.info


def run_confined(module: str, *arguments: str, limits: ModelLimits, given: bytes = b"") -> bytes:
    """Run a module on a model file in a child process; gives the bytes that it printed.

    The child confines itself (`devices.models.confining`) before it reads the file.

    Parameters
    ----------
    given
        Bytes that the child reads from its standard input.

    Raises
    ------
    InvalidModel
        If the child crashed or ran out of memory or time.
    """
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", module, *arguments],
            input=given,
            capture_output=True,
            env=environment,
            timeout=limits.wall_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InvalidModel(
            f"model must load within {limits.wall_s} s; it took longer", field="model"
        ) from None
    if child.returncode != 0:
        raise InvalidModel(f"model must load; {_cause(child, limits)}", field="model")
    return child.stdout


def _cause(child: subprocess.CompletedProcess[bytes], limits: ModelLimits) -> str:
    said = child.stderr.decode(errors="replace").strip()
    if child.returncode == -getattr(signal, "SIGXCPU", 0):
        return "it used up its processor time"
    if any(sign in said for sign in OUT_OF_MEMORY):
        return f"it needs more than the {limits.memory_bytes} bytes of memory that it may have"
    if child.returncode < 0:
        return f"loading it ended with {signal.Signals(-child.returncode).name}"
    last = said.splitlines()[-1:]
    return f"loading it failed: {' '.join(last) or f'exit status {child.returncode}'}"
