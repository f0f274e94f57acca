"""A model, loaded on one provider, whose nodes are proven to be there.

A provider that fails makes ONNX Runtime rebuild the session on the CPU and say nothing that a
program could see; here that is refused, and the number of nodes that the provider took is always
known.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from devices.catalogue import OPENVINO, Provider
from devices.runtime import registry
from devices.runtime.engines import onnx_runtime, openvino
from devices.runtime.engines.engine import Engine, Shapes, Stop
from devices.runtime.errors import ProviderRefused, RunFailed, RunStopped, in_one_line
from scheduler.model.errors import InvalidTensor
from scheduler.model.messages import Verdict

# ONNX Runtime has no class of exception for it: these are its words, C++'s and CUDA's.
_OUT_OF_MEMORY = ("Failed to allocate memory", "bad_alloc", "out of memory")


class Session:
    """A loaded model. Several threads may run it at once.

    Parameters
    ----------
    coverage
        Share of the graph's nodes that landed on the wanted provider, 0 to 1.
    assigned
        Number of nodes per provider, by the engine's names.
    load_us
        Time it took to make, in microseconds.
    inputs, outputs, input_types
        Its inputs and outputs, in the model's order; and the inputs by name.
    """

    def __init__(self, engine: Engine, row: Provider, *, load_us: int) -> None:
        self._engine = engine
        self._running: list[Stop] = []
        self.row = row
        self.load_us = load_us
        self.assigned = dict(engine.assigned)
        self.coverage = _coverage(row, engine.assigned)
        self.inputs, self.outputs = engine.inputs, engine.outputs
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
            values = self._engine.run(names, inputs, stop)
        except Exception as error:
            raise self._cause(error, stop) from error
        finally:
            self._running.remove(stop)
        return dict(zip(names, values, strict=True))

    def end_trace(self) -> Path:
        """Close the file of a session that was opened with one."""
        return self._engine.end_trace()

    def terminate(self) -> bool:
        """Stop the present run, from another thread; true if the provider heeds it."""
        for stop in tuple(self._running):
            stop.set()
        return self.row.terminates

    def _cause(self, error: Exception, stop: Stop) -> Exception:
        if stop.is_set:
            return RunStopped("the inference was stopped")
        if is_out_of_memory(error):
            return MemoryError(f"{self.row.name}: {in_one_line(error)}")
        return RunFailed(f"{self.row.name}: {in_one_line(error)}")

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
    try:
        engine = _load(path, row, found, shapes=shapes, threads=threads, trace=trace)
    except ProviderRefused:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(f"{row.name} has no room to load it: {in_one_line(error)}") from error
        reason = f"{row.name} fails to load it: {in_one_line(error)}"
        raise ProviderRefused(Verdict.FAILED, reason) from error
    load_us = (time.perf_counter_ns() - started) // 1000
    session = Session(engine, row, load_us=load_us)
    _refuse_fallback(session, min_coverage)
    return session


def _load(
    path: Path,
    row: Provider,
    found: Sequence[Any],
    *,
    shapes: Shapes | None,
    threads: int,
    trace: Path | None,
) -> Engine:
    if row.engine == OPENVINO:
        return openvino.load(path, row, threads=threads, trace=trace)
    return onnx_runtime.load(path, row, found, shapes=shapes, threads=threads, trace=trace)


def is_out_of_memory(error: Exception) -> bool:
    """True if the error of a runtime tells that there was no room."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY)


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
