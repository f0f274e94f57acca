"""Tests say on which providers they ran, and a required provider is not skipped."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from scheduler.model.messages import Verdict
from tests import providers


def ended(*names: str) -> SimpleNamespace:
    """A report of a test that asked for these providers."""
    return SimpleNamespace(user_properties=[(providers.PROPERTY, name) for name in names])


@pytest.mark.parametrize(
    ("name", "verdict", "may"),
    [
        ("openvino", Verdict.NO_DEVICE, True),
        ("openvino", Verdict.WRONG, False),
        ("openvino", Verdict.NOT_INSTALLED, False),
        ("openvino-native", Verdict.NOT_INSTALLED, True),
        ("openvino-native", Verdict.FAILED, False),
        ("webgpu", Verdict.NO_DEVICE, False),
        ("qnn", Verdict.FAILED, False),
    ],
)
def test_only_what_not_every_host_has_may_be_missing(
    name: str, verdict: Verdict, may: bool
) -> None:
    assert providers.may_be_missing(name, verdict) is may


def test_a_provider_is_proven_if_all_its_tests_passed() -> None:
    stats: dict[str, list[object]] = {
        "passed": [ended("cpu"), ended("qnn"), SimpleNamespace()],
        "error": [ended("qnn")],
    }
    line = providers.summary(stats)
    assert line == "providers on this host: proven: cpu; not proven: qnn (a test failed)"


def test_a_run_without_providers_says_nothing_of_them() -> None:
    assert providers.summary({"passed": [ended()]}) == ""
