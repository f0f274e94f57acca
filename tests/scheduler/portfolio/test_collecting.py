"""The garbage collector is put off, and comes back."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from scheduler.portfolio.solving import uncollected


@pytest.fixture(autouse=True)
def enabled_again() -> Iterator[None]:
    yield
    gc.enable()


def fail() -> None:
    with uncollected():
        assert not gc.isenabled()
        raise ZeroDivisionError


def test_the_collector_comes_back_even_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        fail()
    assert gc.isenabled()


def test_who_runs_without_a_collector_goes_on_without() -> None:
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()
