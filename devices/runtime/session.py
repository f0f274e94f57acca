"""A model, loaded on one provider, whose nodes are proven to be there.

A provider that fails makes ONNX Runtime rebuild the session on the CPU and say nothing that a
program could see; here that is refused, and the number of nodes that the provider took is always
known.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime as ort

from devices.box.host import this_host
from devices.catalogue import Provider
from devices.runtime import registry
from devices.runtime.denormals import Flushed
from devices.runtime.errors import ProviderRefused, RunFailed, RunStopped
from devices.runtime.static import pinned_copy
from scheduler.model.errors import InvalidTensor
from scheduler.model.messages import Verdict

Shapes = Mapping[str, tuple[int, ...]]

_NUMPY_NAMES = {
    "float": "float32",
    "double": "float64",
    "float16": "float16",
    "bfloat16": "bfloat16",
    "bool": "bool",
    "string": "string",
    **{name: name for name in ("int8", "int16", "int32", "int64")},
    **{name: name for name in ("uint8", "uint16", "uint32", "uint64")},
}
# Errors only: `coverage` counts the nodes left to the CPU, which warnings would name.
_LOG_ERRORS = 3
# ONNX Runtime has no class of exception for it: these are its words, C++'s and CUDA's.
_OUT_OF_MEMORY = ("Failed to allocate memory", "bad_alloc", "out of memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTensor:
    """Name, NumPy dtype name and shape of an input or output; a dimension may be a symbol."""

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]

    def fits(self, shape: Sequence[int]) -> bool:
        """True if a value of that shape may be given."""
        return len(self.shape) == len(shape) and all(
            not isinstance(law, int) or law == got
            for law, got in zip(self.shape, shape, strict=True)
        )

    def mismatch(self, value: np.ndarray[Any, Any]) -> str:
        """Reason that a value does not fit; empty if it does."""
        # Strings come as arrays of objects or of fixed-width text.
        dtype = "string" if value.dtype.kind in "OUS" else value.dtype.name
        if dtype != self.dtype:
            return f"must be {self.dtype}; got {dtype}"
        if not self.fits(value.shape):
            law = ", ".join(str(axis) if isinstance(axis, int) else "?" for axis in self.shape)
            return f"must have shape [{law}]; got {list(value.shape)}"
        return ""


class Stop:
    """A request to stop one inference. It may be set before that begins, and from any thread."""

    def __init__(self) -> None:
        self.options = ort.RunOptions()
        self.options.log_severity_level = _LOG_ERRORS

    def set(self) -> None:
        """Ask for the stop; it comes after the node that runs, if the provider heeds it."""
        self.options.terminate = True

    @property
    def is_set(self) -> bool:
        """True if it was asked for."""
        return bool(self.options.terminate)


class Session:
    """A loaded model. Several threads may run it at once.

    Parameters
    ----------
    coverage
        Share of the graph's nodes that landed on the wanted provider, 0 to 1.
    assigned
        Number of nodes per provider, by ONNX Runtime's names.
    load_us
        Time it took to make, in microseconds.
    inputs, outputs, input_types
        Its inputs and outputs, in the model's order; and the inputs by name.
    """

    def __init__(
        self, engine: Any, row: Provider, *, assigned: Mapping[str, int], load_us: int
    ) -> None:
        self._engine = engine
        self._running: list[Stop] = []
        self.row = row
        self.load_us = load_us
        self.assigned = dict(assigned)
        self.coverage = _coverage(row, assigned)
        self.inputs = tuple(_tensor_type(node) for node in engine.get_inputs())
        self.outputs = tuple(_tensor_type(node) for node in engine.get_outputs())
        self.input_types = {tensor.name: tensor for tensor in self.inputs}

    def accepts(self, shapes: Shapes) -> bool:
        """True if inputs of these shapes fit: a session of static shapes takes no others."""
        types = self.input_types
        return all(name in types and types[name].fits(shape) for name, shape in shapes.items())

    def run(
        self,
        inputs: Mapping[str, np.ndarray[Any, Any]],
        outputs: Sequence[str] | None = None,
        *,
        stop: Stop | None = None,
    ) -> dict[str, Any]:
        """Run once and give the named outputs, or all of them.

        Parameters
        ----------
        stop
            Stops this run, and no other; `terminate` stops those that run when it is called.

        Raises
        ------
        InvalidTensor
            If an input is missing, unknown, or of another type or shape.
        RunStopped
            If it was stopped.
        MemoryError
            If the device has no room for it.
        RunFailed
            If the model raised.
        """
        self._check(inputs)
        names = list(outputs) if outputs is not None else [tensor.name for tensor in self.outputs]
        stop = stop or Stop()
        self._running.append(stop)
        try:
            with Flushed():
                values = self._engine.run(names, dict(inputs), stop.options)
        except Exception as error:
            raise self._cause(error, stop) from error
        finally:
            self._running.remove(stop)
        return dict(zip(names, values, strict=True))

    def end_trace(self) -> Path:
        """Close the file of a session that was opened with one."""
        return Path(self._engine.end_profiling())

    def terminate(self) -> bool:
        """Stop the present run, from another thread; true if the provider heeds it."""
        for stop in tuple(self._running):
            stop.set()
        return self.row.terminates

    def _cause(self, error: Exception, stop: Stop) -> Exception:
        if stop.is_set:
            return RunStopped("the inference was stopped")
        if is_out_of_memory(error):
            return MemoryError(f"{self.row.name}: {error}")
        return RunFailed(f"{self.row.name}: {error}")

    def _check(self, inputs: Mapping[str, np.ndarray[Any, Any]]) -> None:
        types = self.input_types
        if types.keys() != inputs.keys():
            raise InvalidTensor(
                f"inputs must be {', '.join(types)}; got {', '.join(inputs) or 'none'}",
                field="inputs",
            )
        for name, value in inputs.items():
            problem = types[name].mismatch(value)
            if problem:
                raise InvalidTensor(f"inputs[{name!r}] {problem}", field=f"inputs.{name}")


def open_session(
    path: Path,
    row: Provider,
    *,
    shapes: Shapes | None = None,
    min_coverage: float = 0.0,
    threads: int = 1,
    trace: Path | None = None,
) -> Session:
    """Load a model on a provider, and on no other.

    Parameters
    ----------
    shapes
        Shapes of all inputs; a provider that needs static shapes is given the model with these.
    min_coverage
        Least share of the nodes that must land on the provider. None at all is always refused.
    threads
        Those that it computes with, the caller's among them.
    trace
        Prefix of a file that gets the time of each kernel; such a session is slower.

    Raises
    ------
    ProviderRefused
        If the provider is unusable, fails on the model, or leaves too much of it to the CPU.
    """
    found = registry.devices(row)
    started = time.perf_counter_ns()
    options = _options(threads)
    if trace is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(trace)
    arguments: dict[str, Any] = {}
    if row.library:
        options.add_provider_for_devices(found[:1], row.options_on(this_host(), threads))
    else:
        arguments["providers"] = _chain(row, threads)
    try:
        # The first session of a process sets its thread as it sets those of its pool.
        with Flushed():
            engine = _engine(path, row, shapes, options, arguments)
    except ProviderRefused:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(f"{row.name} has no room to load it: {error}") from error
        raise ProviderRefused(Verdict.FAILED, f"{row.name} fails to load it: {error}") from error
    load_us = (time.perf_counter_ns() - started) // 1000
    session = Session(engine, row, assigned=_assigned(engine), load_us=load_us)
    _refuse_fallback(session, min_coverage)
    return session


def is_out_of_memory(error: Exception) -> bool:
    """True if the error of a runtime tells that there was no room."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY)


def _engine(
    path: Path, row: Provider, shapes: Shapes | None, options: Any, arguments: dict[str, Any]
) -> Any:
    # enable_fallback=0: otherwise a failing provider is replaced by the CPU without a word.
    if not row.needs_static_shapes:
        return ort.InferenceSession(str(path), options, enable_fallback=0, **arguments)
    with TemporaryDirectory(prefix="fjord-static-") as folder:
        static = pinned_copy(path, shapes or {}, Path(folder))
        return ort.InferenceSession(str(static), options, enable_fallback=0, **arguments)


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


def _coverage(row: Provider, assigned: Mapping[str, int]) -> float:
    if row.name == "cpu":
        return 1.0
    return assigned.get(row.ort_name, 0) / max(1, sum(assigned.values()))


def _refuse_fallback(session: Session, min_coverage: float) -> None:
    if session.coverage > 0.0 and session.coverage >= min_coverage:
        return
    total = sum(session.assigned.values())
    taken = session.assigned.get(session.row.ort_name, 0)
    raise ProviderRefused(
        Verdict.FELL_BACK,
        f"{session.row.name} took {taken} of {total} nodes, the rest fell back to the CPU; "
        f"wanted {'some' if min_coverage == 0.0 else f'{min_coverage:.0%}'}",
    )


def _tensor_type(node: Any) -> SessionTensor:
    inner = node.type.removeprefix("tensor(").removesuffix(")")
    return SessionTensor(
        name=node.name, dtype=_NUMPY_NAMES.get(inner, node.type), shape=tuple(node.shape)
    )
