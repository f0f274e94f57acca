"""Fingerprint of a machine's speed: its hardware and the build of its provider, in one line."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

from devices.box.host import this_host
from devices.box.packages import RUNTIMES, first_version, version
from devices.catalogue import Provider
from devices.sensing import nvidia

_CPUINFO = Path("/proc/cpuinfo")
_MODEL_KEYS = ("model name", "Model", "Hardware")


def fingerprint(row: Provider) -> str:
    """The same for the same hardware, provider and versions: measurements hold as long as it does.

    A provider that runs on a GPU names the card too, where it is one of NVIDIA's.

    Examples
    --------
    >>> from devices.catalogue import provider
    >>> fingerprint(provider("cpu")) == fingerprint(provider("cpu"))
    True
    """
    provider = f"{row.name} {version(row) or 'absent'}, onnxruntime {first_version(RUNTIMES)}"
    hardware = f"{processor()}, {os.cpu_count()} cores"
    return "; ".join(part for part in (hardware, _card(row), provider) if part)


def _card(row: Provider) -> str:
    """Name of the GPU that it runs on, where one is known."""
    is_on_gpu = row.device_class == "gpu" and not row.is_simulated(this_host())
    return nvidia.name() if is_on_gpu else ""


@cache
def processor() -> str:
    """Name and stepping of the processor, as far as the system tells."""
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:  # no such file outside Linux
        return " ".join((platform.machine(), platform.processor())).strip()
    facts = dict(_fact(line) for line in reversed(lines) if ":" in line)
    name = next((facts[key] for key in _MODEL_KEYS if key in facts), platform.machine())
    parts = [facts[key] for key in ("cpu family", "model", "stepping") if key in facts]
    return " ".join([name, *parts])


def _fact(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip(), " ".join(value.split())
