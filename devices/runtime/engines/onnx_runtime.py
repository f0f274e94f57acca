"""Models as ONNX Runtime loads them, on one of its providers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnxruntime as ort

from devices.box.host import this_host
from devices.catalogue import Provider
from devices.runtime.denormals import Flushed
from devices.runtime.engines import narrow
from devices.runtime.engines.engine import SessionTensor, Shapes, Stop
from devices.runtime.loading import inference_session
from devices.runtime.static import pinned_copy
from fjord.narrow import BITS

_NUMPY_NAMES = {
    "float": "float32",
    "double": "float64",
    "float16": "float16",
    "bool": "bool",
    "string": "string",
    **narrow.NAMES,
    **{name: name for name in ("int8", "int16", "int32", "int64")},
    **{name: name for name in ("uint8", "uint16", "uint32", "uint64")},
}
# Errors only: `assigned` counts the nodes left to the CPU, which warnings would name.
_LOG_ERRORS = 3


class OnnxRuntime:
    """A session of ONNX Runtime."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.assigned: Mapping[str, int] = _assigned(engine)
        self.inputs = tuple(_tensor_type(node) for node in engine.get_inputs())
        self.outputs = tuple(_tensor_type(node) for node in engine.get_outputs())
        self._dtypes = {tensor.name: tensor.dtype for tensor in self.outputs}
        self._is_narrow = any(each.dtype in BITS for each in (*self.inputs, *self.outputs))

    def run(self, names: Sequence[str], inputs: Mapping[str, Any], stop: Stop) -> Sequence[Any]:
        """Run once in the caller's thread."""
        options = ort.RunOptions()
        options.log_severity_level = _LOG_ERRORS

        def end() -> None:
            options.terminate = True

        with stop.ends_by(end), Flushed():
            if self._is_narrow:
                return self._run_narrow(names, inputs, options)
            values: Sequence[Any] = self._engine.run(names, dict(inputs), options)
        return values

    def _run_narrow(
        self, names: Sequence[str], inputs: Mapping[str, Any], options: Any
    ) -> Sequence[Any]:
        given = {name: narrow.to_value(array) for name, array in inputs.items()}
        values = self._engine.run_with_ort_values(names, given, options)
        return [
            narrow.to_array(value, self._dtypes[name])
            for name, value in zip(names, values, strict=True)
        ]

    def end_trace(self) -> Path:
        """Close the profiler's file."""
        return Path(self._engine.end_profiling())


def load(
    path: Path,
    row: Provider,
    found: Sequence[Any],
    *,
    shapes: Shapes | None,
    threads: int,
    trace: Path | None,
) -> OnnxRuntime:
    """Load a model on a provider.

    Parameters
    ----------
    found
        ONNX Runtime's devices of a plug-in.

    Raises
    ------
    ProviderRefused
        If the provider needs static shapes that are not given.
    Exception
        Any other fault of ONNX Runtime or of the provider.
    """
    options = _options(threads)
    if trace is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(trace)
    arguments: dict[str, Any] = {}
    if row.library:
        options.add_provider_for_devices(found[:1], row.options_on(this_host(), threads))
    else:
        arguments["providers"] = _chain(row, threads)
    # The first session of a process sets its thread as it sets those of its pool.
    with Flushed():
        return OnnxRuntime(_session(path, row, shapes, options, arguments))


def _session(
    path: Path, row: Provider, shapes: Shapes | None, options: Any, arguments: dict[str, Any]
) -> Any:
    # enable_fallback=0: otherwise a failing provider is replaced by the CPU without a word.
    if not row.needs_static_shapes:
        return inference_session(path, options, enable_fallback=0, **arguments)
    with TemporaryDirectory(prefix="fjord-static-") as folder:
        static = pinned_copy(path, shapes or {}, Path(folder))
        return inference_session(static, options, enable_fallback=0, **arguments)


def _options(threads: int) -> Any:
    options = ort.SessionOptions()
    # No thread spins when idle: an idle pool slows its neighbours.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    # This is for the threads of a pool; the caller's own is set for each run, see `Flushed`.
    options.add_session_config_entry("session.set_denormal_as_zero", "1" if threads > 1 else "0")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options


def _chain(row: Provider, threads: int) -> list[Any]:
    wanted = (row.ort_name, row.options_on(this_host(), threads))
    return [wanted] if row.name == "cpu" else [wanted, "CPUExecutionProvider"]


def _assigned(engine: Any) -> Counter[str]:
    count: Counter[str] = Counter()
    for part in engine.get_provider_graph_assignment_info():
        count[part.ep_name] += len(part.get_nodes())
    return count


def _tensor_type(node: Any) -> SessionTensor:
    inner = node.type.removeprefix("tensor(").removesuffix(")")
    return SessionTensor(
        name=node.name, dtype=_NUMPY_NAMES.get(inner, node.type), shape=tuple(node.shape)
    )
