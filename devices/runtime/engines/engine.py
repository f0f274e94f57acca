"""The form that each engine takes, and the words it shares with sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np

Shapes = Mapping[str, tuple[int, ...]]


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
        if not value.dtype.isnative:
            return f"must be in the byte order of this computer; got {value.dtype}"
        if dtype != self.dtype:
            return f"must be {self.dtype}; got {dtype}"
        if not self.fits(value.shape):
            law = ", ".join(str(axis) if isinstance(axis, int) else "?" for axis in self.shape)
            return f"must have shape [{law}]; got {list(value.shape)}"
        return ""


class Stop:
    """A request to stop one inference. It may be set before that begins, and from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_set = False
        self._end: Callable[[], None] | None = None

    def set(self) -> None:
        """Ask for the stop; it comes after the node that runs, if the provider heeds it."""
        with self._lock:
            self._is_set = True
            if self._end is not None:
                self._end()

    @property
    def is_set(self) -> bool:
        """True if it was asked for."""
        return self._is_set

    @contextmanager
    def ends_by(self, end: Callable[[], None]) -> Iterator[None]:
        """Have `end` called when the stop is asked for; at once if it was asked for before."""
        with self._lock:
            self._end = end
            if self._is_set:
                end()
        try:
            yield
        finally:
            with self._lock:
                self._end = None


class Engine(Protocol):
    """A model as an engine has loaded it. Several threads may run it at once."""

    @property
    def inputs(self) -> tuple[SessionTensor, ...]:
        """Its inputs, in the model's order."""
        ...

    @property
    def outputs(self) -> tuple[SessionTensor, ...]:
        """Its outputs, in the model's order."""
        ...

    @property
    def assigned(self) -> Mapping[str, int]:
        """Number of nodes per provider, by the engine's names."""
        ...

    def run(self, names: Sequence[str], inputs: Mapping[str, Any], stop: Stop) -> Sequence[Any]:
        """Run once and give the named outputs; the engine's own exceptions go through."""
        ...

    def end_trace(self) -> Path:
        """Close the file with the times of kernels, if it was opened with one."""
        ...
