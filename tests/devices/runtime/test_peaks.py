"""Peaks of the providers of this box."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devices.box.host import this_host
from devices.catalogue import REDUCED, Provider, provider
from devices.runtime import registry
from devices.runtime.errors import ProviderRefused
from devices.runtime.peaks import measure_peaks
from scheduler.model.measuring import Peaks
from scheduler.model.messages import Verdict

AMPLE_US = 5_000_000

pytestmark = pytest.mark.provider


def test_all_peaks_of_the_cpu_are_positive_and_of_a_sensible_size() -> None:
    peaks = measure_peaks(provider("cpu"), budget_us=AMPLE_US)
    assert {"float32", "int8"} <= peaks.flops_per_s.keys()
    assert all(1e8 < rate < 1e14 for rate in peaks.flops_per_s.values())
    assert 1e8 < peaks.bytes_per_s < 1e13
    assert peaks.launch_ns > peaks.node_ns > 0
    assert peaks.pace_ns > 0


def test_arithmetic_is_faster_than_memory() -> None:
    peaks = measure_peaks(provider("cpu"), budget_us=AMPLE_US)
    assert peaks.flops_per_s["float32"] > peaks.bytes_per_s / 4


def test_without_a_budget_nothing_is_measured() -> None:
    found = measure_peaks(provider("cpu"), budget_us=0)
    assert replace(found, pace_ns=0) == Peaks(provider="cpu")


def test_what_a_provider_cannot_run_is_left_out() -> None:
    # Another box's provider opens no session here.
    absent = "coreml" if this_host().system != "Darwin" else "directml"
    found = measure_peaks(provider(absent), budget_us=AMPLE_US)
    assert replace(found, pace_ns=0) == Peaks(provider=absent)


def test_a_reduced_row_shares_its_library_with_the_exact_one() -> None:
    exact, reduced = provider("openvino"), REDUCED["openvino-bf16"]
    # Without a device both say so: the second does not load the library again.
    assert told(exact) == told(reduced) == told(exact)


def told(row: Provider) -> list[Any] | tuple[Verdict, str]:
    """Devices of a provider, or why there are none."""
    try:
        return registry.devices(row)
    except ProviderRefused as refused:
        return refused.verdict, refused.reason


@pytest.mark.provider("openvino")
def test_peaks_of_a_reduced_row_are_its_own() -> None:
    peaks = measure_peaks(REDUCED["openvino-bf16"], budget_us=AMPLE_US)
    assert peaks.provider == "openvino-bf16"
    assert peaks.flops_per_s["float32"] > 0
