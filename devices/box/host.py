"""Facts about this computer."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

import psutil

from devices.catalogue import Host

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@cache
def this_host() -> Host:
    """Facts about this computer that the catalogue's rules need."""
    return Host(
        system=platform.system(), architecture=platform.machine(), has_gpu=bool(_render_nodes())
    )


def _render_nodes() -> list[Path]:
    return sorted(Path("/dev/dri").glob("renderD*"))


def usable_cores() -> tuple[int, ...]:
    """Numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def memory_bytes() -> int:
    """Main memory that this process may use: the computer's, or its container's if that is less."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no such file, or it says "max"
        return total
