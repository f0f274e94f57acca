"""Compiled code is never older than what it was made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scheduler.solvers.kernels import compiling, spans
from scheduler.solvers.kernels.compiling import sources
from scheduler.solvers.kernels.timeline import timelines
from tests.scheduler.solvers.kernels.timeline import placing


def test_code_is_kept_under_all_that_goes_into_it_wherever_the_kernel_is() -> None:
    found = sources(Path(placing.__file__))
    for module in (placing, timelines, spans, compiling):
        assert Path(module.__file__ or "") in found


def test_an_index_beyond_an_array_is_an_error_where_bounds_are_checked() -> None:
    # The usual code for the same lies beside it, and would write into other memory.
    code = (
        "import numpy as np; from scheduler.solvers.kernels.ordering import rows;"
        "print(rows(np.array([0, 1], np.int32), 2)[1].tolist());"
        "rows(np.array([70_000], np.int32), 2)"
    )
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.stdout.strip().endswith("[0, 1]")
    assert "IndexError" in done.stderr
