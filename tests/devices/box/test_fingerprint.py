"""Fingerprint of a provider: the processor, its card if it runs on one, the versions."""

from __future__ import annotations

import os

import pynvml
import pytest

from devices.box.fingerprint import fingerprint, processor
from devices.catalogue import CATALOGUE, provider
from devices.sensing import nvidia
from tests.devices.nvidia_driver import MIB, Driver, put_card


def test_gpu_provider_names_its_card(monkeypatch: pytest.MonkeyPatch) -> None:
    put_card(monkeypatch, Driver())
    assert "; NVIDIA H100 80GB HBM3; cuda " in fingerprint(provider("cuda"))
    assert fingerprint(provider("cuda")).startswith(f"{processor()}, {os.cpu_count()} cores; ")
    assert nvidia.memory_bytes() == 81_559 * MIB


@pytest.mark.parametrize("name", [row.name for row in CATALOGUE.values() if row.is_cpu_lane])
def test_card_changes_nothing_for_what_runs_on_the_processor(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = fingerprint(provider(name))
    put_card(monkeypatch, Driver())
    assert fingerprint(provider(name)) == without


def test_card_that_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver()
    driver.answer = pynvml.NVML_ERROR_GPU_IS_LOST
    put_card(monkeypatch, driver)
    assert f"{os.cpu_count()} cores; cuda " in fingerprint(provider("cuda"))
    assert nvidia.memory_bytes() == 0
    assert nvidia.energy_uj() is None
