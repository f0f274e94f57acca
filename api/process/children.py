"""First steps of child processes, so that they disturb nobody and do not outlive the parent."""

from __future__ import annotations

import ctypes
import signal
import sys

from devices.box.priority import LEFTOVERS, leave_session

_PARENT_DEATH_SIGNAL = 1
"""``PR_SET_PDEATHSIG`` of ``prctl(2)``."""

_libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


def die_with_parent() -> None:
    """Have the kernel kill this child when its parent dies, however that dies."""
    if _libc is not None:
        _libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def yield_to_others(niceness: int = LEFTOVERS) -> None:
    """Take only time that devices and requests leave over, or a small share of it."""
    # Without a session of its own it would take from the share of the service that started it.
    leave_session(niceness)
