"""Providers of one core, side by side: the time of the OCR models, and how soon a run stops.

    python -m benchmarks.providers [--rounds 15]

Each round runs every model once on every provider that is usable here, so that a slow minute of
the box meets them all. Ratios are to the CPU provider in the same round.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from statistics import median
from threading import Timer
from typing import Any

from api.tools.demo.ocr import SHAPES, model_files
from benchmarks.conditions import conditions
from devices.box.discovery import discover
from devices.catalogue import CATALOGUE, CPU_LANE, REDUCED
from devices.runtime.canary import SEED, judge
from devices.runtime.engines.engine import Stop
from devices.runtime.errors import RunStopped
from devices.runtime.inputs import seeded_inputs
from devices.runtime.session import Session, open_session

STOPS = 10
"""Runs that are stopped, from a tenth of the way on to the end."""


def _ms(session: Session, given: Any) -> float:
    started = time.perf_counter()
    session.run(given)
    return (time.perf_counter() - started) * 1e3


def _stop_ms(session: Session, given: Any, run_ms: float) -> list[float]:
    """Milliseconds from the request to the end of a run, of those that it ended."""
    found = []
    for step in range(STOPS):
        stop, asked = Stop(), [0.0]

        def ask(stop: Stop = stop, asked: list[float] = asked) -> None:
            asked[0] = time.perf_counter()
            stop.set()

        timer = Timer(run_ms / 1e3 * (step + 1) / (STOPS + 1), ask)
        timer.start()
        try:
            session.run(given, stop=stop)
        except RunStopped:
            found.append((time.perf_counter() - asked[0]) * 1e3)
        timer.join()
    return found


def measure(name: str, path: Path, rows: list[str], rounds: int) -> None:
    """Print a line per provider for one model."""
    known = {**CATALOGUE, **REDUCED}
    sessions = {row: open_session(path, known[row], shapes=SHAPES[name]) for row in rows}
    given = seeded_inputs(sessions["cpu"].inputs, SHAPES[name], SEED)
    expected = sessions["cpu"].run(given)
    errors = {row: judge(expected, s.run(given), known[row]).error for row, s in sessions.items()}
    times = [{row: _ms(s, given) for row, s in sessions.items()} for _ in range(rounds)]
    for row, session in sessions.items():
        ms = median(each[row] for each in times)
        ratio = median(each[row] / each["cpu"] for each in times)
        stops = _stop_ms(session, given, ms) if known[row].terminates else []
        told = f"{median(stops):.1f} of at most {max(stops):.1f}" if stops else "none stopped"
        print(f"{name:17} {row:20} {ms:8.2f} {ratio:6.2f} {errors[row]:9.1e}  {told}")


def main() -> None:
    """Measure the providers of the processor on one core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--also", default="", help="reduced rows to add, separated by commas")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    on_cpu = [row for row in CATALOGUE.values() if row.lane == CPU_LANE]
    rows = [item.report.provider for item in discover(False, rows=on_cpu) if item.is_usable]
    rows += [row for row in arguments.also.split(",") if row]
    print(conditions([SEED]))
    print(f"{'model':17} {'provider':20} {'ms':>8} {'ratio':>6} {'error':>9}  ms to stop: median")
    for name, path in model_files().items():
        measure(name, path, rows, arguments.rounds)


if __name__ == "__main__":
    main()
