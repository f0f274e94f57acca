"""Confinement of a child process before it handles a strange file."""

from __future__ import annotations

from devices.models.limits import ModelLimits


def confine(limits: ModelLimits, *, written_bytes: int = 0) -> None:
    """Give up the right to more memory and time than this, to core dumps, and to writing files.

    Parameters
    ----------
    written_bytes
        Size of a file that it may write nevertheless.
    """
    try:
        import resource
    except ImportError:  # not on Windows; wall time is still limited from outside
        return
    for kind, most in (
        # Not the address space: runtimes reserve far more of that than they ever touch.
        (resource.RLIMIT_DATA, limits.memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, written_bytes),
    ):
        resource.setrlimit(kind, (most, most))
    # At the lower limit comes a signal that tells the cause, at the higher one the end.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
