"""Facts about the first of NVIDIA's cards from its driver (NVML); empty where there is none.

CUDA is asked for device 0, so that this is the card that runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pynvml


def name() -> str:
    """Name of the card; empty if there is none or it does not tell."""
    return str(_told(pynvml.nvmlDeviceGetName) or "")


def memory_bytes() -> int:
    """Memory of the card; 0 if there is none or it does not tell."""
    told = _told(pynvml.nvmlDeviceGetMemoryInfo)
    return int(told.total) if told is not None else 0


def energy_uj() -> int | None:
    """Energy of the card since its driver was loaded; ``None`` before Volta and without one."""
    millijoules = _told(pynvml.nvmlDeviceGetTotalEnergyConsumption)
    return int(millijoules) * 1000 if millijoules is not None else None


def _told(ask: Callable[[Any], Any]) -> Any:
    card = _card()
    try:
        return ask(card) if card is not None else None
    except pynvml.NVMLError:
        return None


@cache
def _card() -> Any:
    try:
        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetHandleByIndex(0)
    except pynvml.NVMLError:
        return None
