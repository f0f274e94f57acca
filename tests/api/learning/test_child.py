"""The process that trains."""

from __future__ import annotations

import subprocess
import sys

NUMERIC = {"numpy", "onnxruntime", "sklearn", "scipy"}


def test_no_numeric_library_is_loaded_before_the_limits_on_threads_are_set() -> None:
    code = "import sys, api.learning.child; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert not NUMERIC & set(done.stdout.split())
