"""What a worker may hold of main memory, and how it gives back what it holds no longer."""

from __future__ import annotations

import ctypes
import gc
import sys


def limit(most_bytes: int) -> None:
    """Give up the right to more memory than this; 0 leaves it as it is.

    What is counted is data: heap and private maps. Shared memory, in which tensors lie, is not, nor
    is address space that a driver reserves and never touches.
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
    """Return what is free to the system: the C library keeps most of what a session had."""
    gc.collect()
    trim = getattr(_LIBC, "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)


_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
