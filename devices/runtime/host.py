"""Facts about this computer."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

import psutil

from devices.catalogue import Host

_MIB = 1024 * 1024
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@cache
def this_host() -> Host:
    """What the catalogue's rules need to know of this computer."""
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


def nvidia_name() -> str:
    """Name of the first NVIDIA GPU; empty if there is none or it does not tell."""
    return " ".join(_nvidia("name").split())


def nvidia_memory_bytes() -> int:
    """Memory of the first NVIDIA GPU; 0 if there is none or it does not tell."""
    try:
        return int(_nvidia("memory.total")) * _MIB
    except ValueError:
        return 0


def _nvidia(field: str) -> str:
    command = shutil.which("nvidia-smi")
    return _asked(command, field) if command is not None else ""


@cache
def _asked(command: str, field: str) -> str:
    query = [command, f"--query-gpu={field}", "--format=csv,noheader,nounits", "--id=0"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
