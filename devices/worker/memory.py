"""Limit of a worker's main memory, and the return of memory that is free."""

from __future__ import annotations

import ctypes
import gc
import sys


def limit(most_bytes: int) -> None:
    """Give up the right to more memory than this; 0 leaves it as it is.

    Data is counted: heap and private maps. Shared memory, in which tensors lie, is not, nor is
    address space that a driver reserves and never touches.
    """
    try:
        import resource
    except ImportError:  # not on Windows
        return
    if most_bytes:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most_bytes = min(most_bytes, hard) if hard != resource.RLIM_INFINITY else most_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, most_bytes))


def give_back() -> None:
    """Return free memory to the system: the C library keeps most of a session's."""
    gc.collect()
    trim = getattr(_LIBC, "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)


_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
