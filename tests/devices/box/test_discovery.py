"""Discovery runs a model on every provider here, each in a child that may fail."""

from dataclasses import replace
from pathlib import Path

import onnxruntime as ort
import pytest

from devices.box.discovery import discover, lanes
from devices.box.fingerprint import fingerprint
from devices.box.host import this_host
from devices.box.peak_cache import PeakCache
from devices.box.probing import probe_in_child
from devices.catalogue import CATALOGUE, provider
from scheduler.model.measuring import Peaks
from scheduler.model.messages import Verdict

pytestmark = pytest.mark.provider


def test_every_provider_gets_a_verdict_and_the_unusable_ones_a_reason() -> None:
    found = discover(simulated=False)
    assert [item.report.provider for item in found] == list(CATALOGUE)
    assert all(item.is_usable or item.report.reason for item in found)


def test_the_cpu_is_proven_by_a_run() -> None:
    (cpu,) = discover(simulated=False, rows=[provider("cpu")])
    assert cpu.is_usable
    assert (cpu.coverage, cpu.error) == (1.0, 0.0)
    assert cpu.run_us > 0
    assert cpu.report.terminates
    assert cpu.report.version == cpu.report.runtime == ort.__version__
    assert cpu.report.fingerprint == fingerprint(provider("cpu"))


def test_simulators_are_not_run_unless_asked_for() -> None:
    simulated = [row for row in CATALOGUE.values() if row.is_simulated(this_host())]
    for item in discover(simulated=False, rows=simulated):
        assert item.report.verdict in {Verdict.NO_DEVICE, Verdict.NOT_INSTALLED}


def test_a_missing_package_is_answered_with_what_to_install() -> None:
    absent = replace(provider("webgpu"), package="no-such-package")
    (item,) = discover(simulated=True, rows=[absent])
    assert item.report.verdict is Verdict.NOT_INSTALLED
    assert item.report.reason == (
        "package no-such-package is not installed: pip install 'fjord-scheduler[webgpu]'"
    )


def test_a_stand_in_is_not_tried_where_its_original_is_usable() -> None:
    # Without its package it would be said to be missing, had it been looked at.
    spare = replace(provider("xnnpack"), stands_in_for="cpu", package="no-such-package")
    stand_in, cpu = discover(simulated=False, rows=[spare, provider("cpu")])
    assert cpu.is_usable
    assert stand_in.report.verdict is Verdict.NOT_NEEDED
    assert stand_in.report.reason == "cpu drives the same device"
    assert [p.provider for p in lanes("a", [cpu, stand_in], (0,))[0].providers] == ["cpu"]


def test_a_provider_without_a_device_names_the_one_that_stands_in_for_it() -> None:
    absent = replace(provider("xnnpack"), is_simulated=lambda _host: True)
    spare = replace(provider("cpu"), stands_in_for="xnnpack")
    original, stand_in = discover(simulated=False, rows=[absent, spare])
    assert stand_in.is_usable
    assert original.report.verdict is Verdict.NO_DEVICE
    assert original.report.reason.endswith("; cpu stands in for it")


def test_a_provider_without_a_device_says_what_would_stand_in_for_it() -> None:
    absent = replace(provider("xnnpack"), is_simulated=lambda _host: True)
    spare = replace(provider("cpu"), stands_in_for="xnnpack", package="no-such-package")
    original, _ = discover(simulated=False, rows=[absent, spare])
    assert original.report.reason.endswith(
        "; cpu would stand in for it: pip install fjord-scheduler"
    )


def test_a_provider_that_hangs_is_a_verdict() -> None:
    found, _ = probe_in_child(provider("cpu"), timeout_s=0.01)
    assert found.verdict is Verdict.FAILED
    assert found.reason == "a small model did not end within 0.01 s"


def test_a_provider_that_ends_its_process_is_a_verdict() -> None:
    # The child knows no provider of that name, and dies of it.
    found, _ = probe_in_child(replace(provider("cpu"), name="cpuu"))
    assert found.verdict is Verdict.FAILED
    assert found.reason.startswith("it ended the process on a small model: ")


def test_peaks_are_measured_once_per_box_and_reported_with_its_machines(tmp_path: Path) -> None:
    cpu, cache = provider("cpu"), PeakCache(tmp_path)
    (first,) = discover(simulated=False, rows=[cpu], cache=cache)
    assert first.peaks is not None
    assert first.peaks == cache.get(cpu)
    known = Peaks(provider="cpu", bytes_per_s=1.0)
    cache.put(cpu, known)
    found = discover(simulated=False, rows=[cpu], cache=cache)
    assert [machine.peaks for machine in lanes("a", found, (0,))] == [(known,)]


def test_a_cache_that_cannot_be_read_is_measured_again(tmp_path: Path) -> None:
    cache = PeakCache(tmp_path)
    cache.put(provider("cpu"), Peaks(provider="cpu"))
    (file,) = tmp_path.glob("cpu-*.json")
    file.write_text('{"provider": 3}')
    assert cache.get(provider("cpu")) is None
