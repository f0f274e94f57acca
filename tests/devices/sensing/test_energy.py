"""Counters of energy, on boxes that have them and on those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.sensing import nvidia
from devices.sensing.energy import EnergyMeter
from tests.devices.nvidia_driver import Driver, put_card


def package(root: Path, index: int, energy_uj: int) -> None:
    zone = root / f"sys/class/powercap/intel-rapl:{index}"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "energy_uj").write_text(f"{energy_uj}\n")
    (zone / "max_energy_range_uj").write_text("1000\n")


def test_energy_of_all_packages_is_summed(tmp_path: Path) -> None:
    package(tmp_path, 0, 10)
    package(tmp_path, 1, 20)
    meter = EnergyMeter(tmp_path)
    before = meter.read_uj()
    package(tmp_path, 0, 15)
    package(tmp_path, 1, 50)
    assert meter.used_uj(before) == 35


def test_a_counter_that_began_anew_is_followed(tmp_path: Path) -> None:
    package(tmp_path, 0, 990)
    meter = EnergyMeter(tmp_path)
    before = meter.read_uj()
    package(tmp_path, 0, 5)
    assert meter.used_uj(before) == 15


def test_cores_within_a_package_are_not_counted_twice(tmp_path: Path) -> None:
    package(tmp_path, 0, 10)
    inner = tmp_path / "sys/class/powercap/intel-rapl:0:0"
    inner.mkdir()
    (inner / "energy_uj").write_text("7")
    assert EnergyMeter(tmp_path).read_uj() == {"intel-rapl:0": 10}


def test_a_box_without_counters_tells_no_energy(tmp_path: Path) -> None:
    meter = EnergyMeter(tmp_path)
    assert meter.read_uj() is None
    assert meter.used_uj(None) is None


def test_what_runs_on_a_card_is_charged_with_its_energy_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(energy_mj=7)
    put_card(monkeypatch, driver)
    package(tmp_path, 0, 10)
    meter = EnergyMeter(tmp_path, card=nvidia.energy_uj)
    before = meter.read_uj()
    package(tmp_path, 0, 15)
    driver.energy_mj = 9
    assert meter.used_uj(before) == 2_005


def test_a_card_is_counted_where_packages_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    put_card(monkeypatch, Driver(energy_mj=7))
    assert EnergyMeter.of_lane("cuda").read_uj() == {"card": 7_000}


def test_idle_power_of_a_card_is_not_charged_to_a_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_card(monkeypatch, Driver(energy_mj=7))
    assert "card" not in (EnergyMeter.of_lane("cpu").read_uj() or {})
