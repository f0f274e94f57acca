"""Compiled code is never older than what it was made of."""

from __future__ import annotations

from pathlib import Path

from scheduler.solvers.kernels import compiling, spans, timelines
from scheduler.solvers.kernels.compiling import sources
from tests.scheduler.solvers.kernels import placing


def test_code_is_kept_under_all_that_goes_into_it_wherever_the_kernel_is() -> None:
    found = sources(Path(placing.__file__))
    for module in (placing, timelines, spans, compiling):
        assert Path(module.__file__ or "") in found
