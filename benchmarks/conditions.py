"""The conditions that each benchmark prints first: the machine, the commit, the seeds."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil


def conditions(seeds: Sequence[int]) -> str:
    """Machine, commit and seeds in one line."""
    named = ", ".join(str(seed) for seed in seeds)
    return f"{machine()}, commit {commit()}, {'seed' if len(seeds) == 1 else 'seeds'} {named}"


def machine() -> str:
    """The cores, processor and system of this box."""
    system = f"{platform.system()} {platform.release()}"
    return (
        f"{_processor()}, {psutil.cpu_count()} cores, {system}, Python {platform.python_version()}"
    )


def commit() -> str:
    """The commit of the code that is measured."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    here = Path(__file__).parent
    done = subprocess.run(command, cwd=here, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
