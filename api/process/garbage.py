"""Collections of garbage that stay short however much a brain knows.

A full collection looks at all that is alive: 7 ms for a thousand runs that wait, 135 ms for twenty
thousand, in which nobody is served. What outlived one that took long is not looked at again. Most
of it is let go by its count of references all the same; only circles made of it would stay.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

from api.process.stalls import LoopStalls

LONGEST_S = 0.01
"""Processor time of a collection after which the objects that it left alive are set apart."""
OLDEST = 2


class Collections:
    """Follows the collections of this process."""

    def __init__(self, stalls: LoopStalls) -> None:
        self._stalls = stalls
        self._began_s = self._worked_s = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        """Take in that a collection begins or has ended, as the collector tells it."""
        if info["generation"] < OLDEST:
            return
        if phase == "start":
            self._began_s, self._worked_s = time.perf_counter(), time.thread_time()
            return
        self._stalls.took(time.perf_counter() - self._began_s, "collecting garbage")
        if time.thread_time() - self._worked_s > LONGEST_S:
            gc.freeze()


@contextmanager
def short_collections(stalls: LoopStalls) -> Iterator[None]:
    """Keep collections short until the block ends."""
    follower = Collections(stalls)
    gc.callbacks.append(follower)
    try:
        yield
    finally:
        gc.callbacks.remove(follower)
        look_again()


def look_again() -> None:
    """Have the next collection look at everything: much of it may be garbage by now."""
    gc.unfreeze()
