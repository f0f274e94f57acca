"""A provider tried in a process of its own, which may crash or hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from devices.catalogue import Provider
from scheduler.model.measuring import Peaks
from scheduler.model.messages import Profile, Verdict

PROBE_TIMEOUT_S = 90
"""A software GPU without its shader cache needs some 10 s; a provider that hangs needs for ever."""
_PROBE = "devices.runtime.probe"


def probe_in_child(
    row: Provider, *, timeout_s: float = PROBE_TIMEOUT_S, lock: Path | None = None
) -> tuple[Profile, Peaks | None]:
    """Run the small model on a provider in a child; a crash or a hang is a verdict, too.

    Parameters
    ----------
    lock
        Held while the provider's peaks are measured; they are not without it.
    """
    command = [sys.executable, "-P", "-m", _PROBE, row.name, *([str(lock)] if lock else [])]
    try:
        child = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return _failed(row, f"a small model did not end within {timeout_s:g} s"), None
    if child.returncode != 0:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        how = f"signal {-child.returncode}" if child.returncode < 0 else " ".join(last)
        return _failed(row, f"it ended the process on a small model: {how}"), None
    return msgspec.json.decode(child.stdout, type=tuple[Profile, Peaks | None])


def _failed(row: Provider, reason: str) -> Profile:
    return Profile(digest="", machine="", provider=row.name, verdict=Verdict.FAILED, reason=reason)
