"""Numbers next to zero count as zero while a model runs, for a core takes a hundred times as long.

Below 1.2e-38 floats lose digits (they are denormal), and an x86 core leaves its fast path for each
of them. The tails of activations such as GELU give many: two convolutions of a text detector took
26 ms instead of half a millisecond. OpenVINO does the same by itself. ONNX Runtime's own option
(`session.set_denormal_as_zero`) would change the thread for good, and only for the first session
of a process: so the thread is set before a run and set back after it.

References
----------
Intel 64 and IA-32 Software Developer's Manual, volume 1, 11.6.3 and 10.2.3.3 to 10.2.3.4.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from contextlib import suppress

_Buffer = ctypes.c_char * 64
"""Room for a ``fenv_t``: 32 bytes with glibc on x86-64, 8 on AArch64."""
_BITS = {
    # Place of the control register in a ``fenv_t``, and the bits that flush operands and results:
    # 28 bytes of x87 come before MXCSR with its bits DAZ and FTZ; FZ of FPCR.
    "x86_64": (28, 0x8040),
    "aarch64": (0, 1 << 24),
}


class _Environment:
    """The arithmetic of threads, as C's ``fegetenv`` and ``fesetenv`` give and take it."""

    def __init__(self, machine: str) -> None:
        # Calls this short are not worth letting another thread in.
        library = ctypes.PyDLL(None)
        self._get, self._put = library.fegetenv, library.fesetenv
        at, bits = _BITS[machine]
        self._flushing = self._now()
        ctypes.c_uint32.from_buffer(self._flushing, at).value |= bits

    def _now(self) -> ctypes.Array[ctypes.c_char]:
        found = _Buffer()
        self._get(found)
        return found

    def flush(self) -> ctypes.Array[ctypes.c_char]:
        """Flush from now on; gives the state before."""
        before = self._now()
        self._put(self._flushing)
        return before

    def restore(self, before: ctypes.Array[ctypes.c_char]) -> None:
        """Compute as before."""
        self._put(before)


def _environment() -> _Environment | None:
    """Control register of this platform; ``None`` where the form of its ``fenv_t`` is not known."""
    is_known = sys.platform == "linux" and platform.machine() in _BITS
    with suppress(AttributeError, OSError):
        return _Environment(platform.machine()) if is_known else None
    return None


_ENVIRONMENT = _environment()


class Flushed:
    """Within it denormal numbers count as zero in this thread, where the platform is known.

    A class, as it is entered for each run: 2.5 us; a generator takes twice as long.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = _ENVIRONMENT.flush() if _ENVIRONMENT is not None else None

    def __exit__(self, *_: object) -> None:
        if _ENVIRONMENT is not None and self._before is not None:
            _ENVIRONMENT.restore(self._before)
