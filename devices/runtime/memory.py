"""Main memory of a piece of work: its peak, and the growth that stays."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_RESET_PEAK = "5"
_KIB = 1024


class GrownMemory:
    """Growth of this process's resident memory since the object was made."""

    def __init__(self) -> None:
        # Without it the peak reaches back to the start of the process: too high, never too low.
        with suppress(OSError):
            _RESET.write_text(_RESET_PEAK)
        self._before = _resident_bytes()

    def peak_bytes(self) -> int:
        """Highest growth so far, in bytes."""
        return max(0, _peak_bytes() - self._before)

    def kept_bytes(self) -> int:
        """Growth that is there now, without memory that was allocated and handed back."""
        return max(0, _resident_bytes() - self._before)


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def _peak_bytes() -> int:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:  # no such file outside Linux: the present stands for the peak
        return _resident_bytes()
    return next(int(line.split()[1]) * _KIB for line in lines if line.startswith("VmHWM"))
