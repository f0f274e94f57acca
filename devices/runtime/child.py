"""Channel of a short-lived child process to its parent, kept free of the prints of libraries."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec


@contextmanager
def answer_on_stdout() -> Iterator[Callable[[Any], None]]:
    """Keep standard output for one JSON answer; all other prints go to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)

    def answer(value: Any) -> None:
        with os.fdopen(os.dup(kept), "wb") as out:
            out.write(msgspec.json.encode(value))

    try:
        yield answer
    finally:
        os.close(kept)
