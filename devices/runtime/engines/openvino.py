"""Models as OpenVINO loads them by itself, without ONNX Runtime.

The plug-in of ONNX Runtime lists devices of Intel only, and what it runs cannot be stopped.
OpenVINO's own package computes on the processor of any maker, and stops between two nodes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from devices.box.host import this_host
from devices.catalogue import Provider
from devices.runtime.denormals import Flushed
from devices.runtime.engines.engine import SessionTensor, Stop
from devices.runtime.errors import ProviderRefused, in_one_line
from scheduler.model.messages import Verdict

DEVICE = "CPU"
"""OpenVINO's name of the device that rows of this engine drive."""
_NUMPY_NAMES = {
    "f32": "float32",
    "f64": "float64",
    "f16": "float16",
    "boolean": "bool",
    **{f"i{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"u{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}
_UNKNOWN_OPERATORS = "OpConversionFailure"
"""OpenVINO has no class of exception for it: this is in the text."""


@cache
def core() -> Any:
    """The entrance of OpenVINO in this process.

    Raises
    ------
    ProviderRefused
        If it does not load, or has no device.
    """
    # Importing openvino makes an identifier in the home folder, to tell its maker of conversions
    # of models. Without this module it works the same, and tells nobody.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino

        made = openvino.Core()
        devices = made.available_devices
    except (ImportError, RuntimeError, OSError) as error:
        reason = f"openvino does not load: {in_one_line(error)}"
        raise ProviderRefused(Verdict.FAILED, reason) from error
    if DEVICE not in devices:
        found = ", ".join(devices) or "no device"
        raise ProviderRefused(Verdict.NO_DEVICE, f"openvino has no {DEVICE} here; it has {found}")
    return made


class OpenVino:
    """A compiled model of OpenVINO.

    Parameters
    ----------
    compiled
        The model on the device.
    row
        Its provider.
    trace
        File that `end_trace` writes; the model must have been compiled to count time.
    """

    def __init__(self, compiled: Any, row: Provider, trace: Path | None) -> None:
        self._compiled = compiled
        self._row = row
        self._trace = trace
        self._events: list[dict[str, Any]] = []
        self._free: list[Any] = []
        self.inputs = tuple(_tensor_type(port) for port in compiled.inputs)
        self.outputs = tuple(_tensor_type(port) for port in compiled.outputs)
        self._places = {tensor.name: place for place, tensor in enumerate(self.outputs)}
        # It takes a model whole or refuses it: these are the nodes left after its fusions.
        self.assigned = {row.ort_name: len(compiled.get_runtime_model().get_ops())}

    def run(self, names: Sequence[str], inputs: Mapping[str, Any], stop: Stop) -> Sequence[Any]:
        """Run once, in a thread of OpenVINO's: only such a run can be stopped."""
        request = self._request()
        try:
            request.start_async(dict(inputs), share_inputs=True)
            with stop.ends_by(request.cancel):
                request.wait()
            if self._trace is not None:
                self._events += _events(request, len(self._events), self._row)
            # The request's own memory is written again by the next run.
            return [request.get_output_tensor(self._places[name]).data.copy() for name in names]
        finally:
            self._free.append(request)

    def _request(self) -> Any:
        try:
            return self._free.pop()
        except IndexError:  # each run at a time has one of its own
            return self._compiled.create_infer_request()

    def end_trace(self) -> Path:
        """Write the times of all runs, in the form of ONNX Runtime's profiler."""
        assert self._trace is not None, "the model was not loaded to be traced"
        self._trace.write_text(json.dumps(self._events))
        return self._trace


def load(path: Path, row: Provider, *, threads: int, trace: Path | None) -> OpenVino:
    """Load a model on the processor.

    Raises
    ------
    ProviderRefused
        If it holds an operator, or takes a type, that OpenVINO does not have.
    Exception
        Any other fault of OpenVINO.
    """
    options = row.options_on(this_host(), threads)
    if trace is not None:
        options["PERF_COUNT"] = "YES"
    try:
        # Compiling sets the caller's thread to flush; it is set back, runs have threads of theirs.
        with Flushed():
            compiled = core().compile_model(str(path), DEVICE, options)
    except RuntimeError as error:
        if _UNKNOWN_OPERATORS in str(error):
            raise ProviderRefused(Verdict.UNSUPPORTED, _missing_operators(error)) from error
        raise
    return OpenVino(compiled, row, trace)


def _missing_operators(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line.removeprefix("-- ") for line in lines if line.startswith("-- ")]
    return f"openvino does not take the model: {'; '.join(told) or lines[0]}"


def _tensor_type(port: Any) -> SessionTensor:
    kind = port.get_element_type().to_string()
    name = port.get_any_name()
    if kind not in _NUMPY_NAMES:
        raise ProviderRefused(
            Verdict.UNSUPPORTED, f"tensor {name!r} is of type {kind}, which openvino is not given"
        )
    shape = port.get_partial_shape()
    return SessionTensor(
        name=name,
        dtype=_NUMPY_NAMES[kind],
        shape=tuple(None if axis.is_dynamic else axis.get_length() for axis in shape),
    )


def _events(request: Any, at: int, row: Provider) -> list[dict[str, Any]]:
    """A run of the model and its kernels, in the order in which they run."""
    kernels = [
        {
            "cat": "Kernel",
            "name": kernel.node_name,
            "dur": kernel.real_time.total_seconds() * 1e6,
            "args": {"ov_node_type": kernel.node_type, "provider": row.ort_name},
        }
        for kernel in request.get_profiling_info()
        if str(kernel.status).endswith("EXECUTED") or kernel.real_time
    ]
    told = [{"cat": "Session", "name": "model_run"}, *kernels]
    return [{**event, "ts": at + place} for place, event in enumerate(told)]
