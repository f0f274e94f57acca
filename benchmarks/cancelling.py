"""Time from the cancel of a search to its answer, and from its start to the first plan.

    python -m benchmarks.cancelling [--cancels 40] [--operations 100 1000 10000] [--seed 0]

A cancel comes at a random moment of a search by ``auto`` with two workers: a third of them within
the first 0.1 s, a third within 1 s, a third within 3 s. *Cancelled*: from there until the answer,
its plan judged, is with the caller. *First plan*: from the question until a listener hears of a
plan.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Sequence
from random import Random
from threading import Timer

from benchmarks.conditions import conditions
from benchmarks.replanning import STAGES, site
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits
from scheduler.portfolio import solve, warm_up
from scheduler.portfolio.progress import Cancellation, SearchProgress

LATEST_S = (0.1, 1.0, 3.0)
LIMITS = Limits(time_s=30, workers=2)


class Watch:
    """Cancels one search after a while, and notes when things happened."""

    def __init__(self, after_s: float) -> None:
        self.cancel = Cancellation()
        self._timer = Timer(after_s, self._cancel)
        self._cancelled_s = self._first_s = 0.0

    def follow(self, problem: Problem, seed: int) -> tuple[float | None, float | None]:
        """Solve; milliseconds from the cancel to the answer, and to the first plan, if any."""
        self._timer.start()
        began_s = time.perf_counter()
        solve(problem, limits=LIMITS, seed=seed, cancel=self.cancel, listener=self._hear)
        ended_s = time.perf_counter()
        self._timer.cancel()
        self._timer.join()
        # A search may be over before.
        was_cancelled = 0 < self._cancelled_s < ended_s
        return (
            1e3 * (ended_s - self._cancelled_s) if was_cancelled else None,
            1e3 * (self._first_s - began_s) if self._first_s else None,
        )

    def _cancel(self) -> None:
        self._cancelled_s = time.perf_counter()
        self.cancel.cancel()

    def _hear(self, progress: SearchProgress) -> None:
        if not self._first_s and progress.value is not None:
            self._first_s = time.perf_counter()


def measure(operations: int, cancels: int, seed: int) -> None:
    """Print one row."""
    random = Random(seed)
    problem = site(operations // STAGES, 20 if operations > 1000 else 8, seed)
    # Of all objects of the problem now, and not, at random, during a cancel.
    gc.collect()
    cancelled_ms, first_ms = [], []
    for turn in range(cancels):
        after_s = random.uniform(0, LATEST_S[turn % len(LATEST_S)])
        cancelled, first = Watch(after_s).follow(problem, turn)
        cancelled_ms += [] if cancelled is None else [cancelled]
        first_ms += [] if first is None else [first]
    print(
        f"{operations:6} operations: first plan after {_shares(first_ms)}; "
        f"cancelled in {_shares(cancelled_ms)} ({len(cancelled_ms)} cancels)",
        flush=True,
    )


def _shares(values: Sequence[float]) -> str:
    ordered = sorted(values)
    p50, p99 = (ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.99))
    return f"p50 {p50:.1f} p99 {p99:.1f} worst {ordered[-1]:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cancels", type=int, default=40)
    parser.add_argument("--operations", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warm_up()
    print(conditions([options.seed]))
    for operations in options.operations:
        measure(operations, options.cancels, options.seed)


if __name__ == "__main__":
    main()
