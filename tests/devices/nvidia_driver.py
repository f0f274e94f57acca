"""A driver of NVIDIA's as its binding calls it, for boxes that have none."""

from __future__ import annotations

from typing import Any

import pynvml
import pytest

from devices.sensing import nvidia

MIB = 1024 * 1024
SUCCESS: int = pynvml.NVML_SUCCESS


class Driver:
    """One card: the functions of ``libnvidia-ml`` that are asked for."""

    def __init__(self, name: str = "NVIDIA H100 80GB HBM3", energy_mj: int = 0) -> None:
        self.card = name.encode()
        self.memory_bytes = 81_559 * MIB
        self.energy_mj = energy_mj
        self.answer = SUCCESS

    def nvmlInitWithFlags(self, flags: Any) -> int:
        return SUCCESS

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, handle: Any) -> int:
        return SUCCESS

    def nvmlDeviceGetName(self, handle: Any, text: Any, size: Any) -> int:
        text.value = self.card
        return self.answer

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:
        memory._obj.total = self.memory_bytes
        return self.answer

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any, told: Any) -> int:
        told._obj.value = self.energy_mj
        return self.answer


def put_card(monkeypatch: pytest.MonkeyPatch, driver: Driver) -> None:
    """Have the binding find that driver until the test is over."""
    monkeypatch.setattr(pynvml, "nvmlLib", driver)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    monkeypatch.setattr(nvidia, "_card", nvidia._card.__wrapped__)
