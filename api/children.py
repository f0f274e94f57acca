"""What child processes do at their start, so that they disturb nobody and outlive nobody."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

NICENESS = 19
"""A search gets what devices and requests leave over: about a sixtieth of a contended core."""
AUTOGROUP = Path("/proc/self/autogroup")
"""Where Linux keeps the niceness of a whole session: that of a process counts only inside it."""
_PARENT_DEATH_SIGNAL = 1
"""``PR_SET_PDEATHSIG`` of ``prctl(2)``."""

_libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


def die_with_parent() -> None:
    """Have the kernel kill this child when its parent dies, however that dies."""
    if _libc is not None:
        _libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def yield_to_others() -> None:
    """Take only what devices and requests leave over."""
    os.nice(NICENESS)
    # Without a session of its own it would take from the share of the service that started it.
    os.setsid()
    with contextlib.suppress(OSError):  # there only where the kernel groups sessions
        AUTOGROUP.write_text(str(NICENESS))
