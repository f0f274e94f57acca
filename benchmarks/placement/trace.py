"""Recorded speeds of each core while other programs came and went, and their replay."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from devices.load_generator import LoadGenerator
from devices.sensing.contention import WINDOW_US
from devices.sensing.pace import count_ns
from scheduler.model.measuring import Load

SLICE_US = 2_000
"""A kernel lets two processes of a core take turns of some milliseconds."""
KIND = "bursty"
STEPS = 9
"""Speeds are kept as one digit: 9 is full speed."""
_TURN = 2
"""Slices that a turn lasts."""
_STANDSTILL = "1"
_NOISE = 0.08
"""A share below this is rounding of the kernel's ticks, and agents do not see it."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Speed of each core per slice of time, as digits. At its end the trace begins anew.

    Parameters
    ----------
    digits
        Per core, one digit per slice of `SLICE_US`.
    """

    digits: tuple[str, ...]

    def took_us(self, core: int, start_us: int, work_us: int) -> int:
        """Duration on a core of work that takes `work_us` at full speed."""
        digits, left, at_us = self.digits[core], float(work_us), start_us
        while True:
            speed = int(digits[at_us // SLICE_US % len(digits)]) / STEPS
            room_us = SLICE_US - at_us % SLICE_US
            if left <= room_us * speed:
                return max(1, at_us + round(left / speed) - start_us)
            left -= room_us * speed
            at_us += room_us

    def shared(self, core: int, start_us: int, end_us: int) -> float:
        """Share of a span in which other programs took turns on a core."""
        digits = self.digits[core]
        slices = range(max(0, start_us) // SLICE_US, max(0, end_us) // SLICE_US + 1)
        return sum(_is_shared(digits, i % len(digits)) for i in slices) / len(slices)

    def write(self, path: Path) -> None:
        """Keep it as one line per core."""
        path.write_text("".join(f"{line}\n" for line in self.digits))

    @classmethod
    def read(cls, path: Path) -> Trace:
        """The trace of a file."""
        return cls(tuple(path.read_text().split()))


def alternating(burst_us: int, *, cores: int = 2) -> Trace:
    """Bursts of one length on the last core, which it shares by halves, and rests as long."""
    turns = max(1, burst_us // SLICE_US // 4)
    shared = "9900" * turns + "9999" * turns
    return Trace((*(["9" * len(shared)] * (cores - 1)), shared))


class Replay:
    """The surroundings of a simulated box whose lanes are called ``.../cpu0``, ``.../cpu1``, ...

    Agents report the load that `devices.sensing.contention` would see: that of the last quarter
    of a second.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def took_us(self, machine: str, start_us: int, work_us: int) -> int:
        """Duration on a machine of work that takes `work_us` undisturbed."""
        return self._trace.took_us(_core(machine), start_us, work_us)

    def load(self, machine: str, start_us: int, end_us: int) -> Load:
        """The foreign load that an agent reports for a run between two moments."""
        since_us = min(start_us, end_us - WINDOW_US)
        cores = range(len(self._trace.digits))
        shared = [self._trace.shared(core, since_us, end_us) for core in cores]
        contention = shared[_core(machine)]
        return Load(
            contention=contention if contention > _NOISE else 0.0,
            # Beside a busy lane others get half of a core.
            foreign=sum(shared) / len(shared) / 2,
        )


def record(cores: Sequence[int], loaded: Sequence[int], seconds: float, seed: int) -> Trace:
    """Measure how fast a process that never rests is on each core, beside bursts on some."""
    command = [sys.executable, "-m", "benchmarks.placement.trace", str(seconds)]
    with LoadGenerator(KIND, loaded, seconds + 5.0, seed=seed):
        running = [
            subprocess.Popen([*command, str(core)], stdout=subprocess.PIPE, text=True)
            for core in cores
        ]
        return Trace(tuple(process.communicate()[0].strip() for process in running))


def _is_shared(digits: str, i: int) -> bool:
    """True if another program ran. A lane that shares its core stands still in each second turn."""
    return min(digits[max(0, i - _TURN) : i + _TURN + 1]) <= _STANDSTILL


def _core(machine: str) -> int:
    return int(machine.rpartition("/cpu")[2])


def _counts(seconds: float) -> list[int]:
    """Loops done in each slice of the wall clock."""
    counts = [0] * (round(seconds * 1_000_000) // SLICE_US)
    began_ns = time.perf_counter_ns()
    while (at := (time.perf_counter_ns() - began_ns) // 1_000 // SLICE_US) < len(counts):
        counts[at] += 1
        count_ns()
    return counts


def _digits(counts: Sequence[int]) -> str:
    """Counts relative to a slice that nobody disturbed."""
    full = sorted(counts)[round(0.9 * (len(counts) - 1))]
    # A loop that an interruption cut in two is counted in the slice in which it began.
    done = [0, *accumulate(counts)]
    smooth = [(done[min(i + 2, len(counts))] - done[i]) / 2 for i in range(len(counts))]
    return "".join(str(min(STEPS, round(STEPS * count / full))) for count in smooth)


def main() -> None:
    seconds, core = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    print(_digits(_counts(float(seconds))))


if __name__ == "__main__":
    main()
