"""Starts and ends the processes that make load: one per core, none longer than it may."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from types import TracebackType

KINDS = ("compute", "memory", "mixed", "bursty")
"""Arithmetic in a core's own cache; copies beyond all caches; both in turn; that with pauses."""
LONGEST_S = 600.0
"""Longest load that can be asked for."""


class LoadGenerator:
    """Load on some cores, from its start until it is stopped or its time is over.

    Each process ends by itself when its time is over, and with the process that started it.

    Parameters
    ----------
    kind
        One of `KINDS`.
    cores
        Cores; each gets one process.
    seconds
        Length, at most `LONGEST_S`.
    seed
        Seed of the bursts: the same one gives the same pattern.
    duty
        Share of the time that it runs, in slices of 10 ms; bursts are made within it.

    Raises
    ------
    ValueError
        If an argument is out of range; the message names the law.
    """

    def __init__(
        self,
        kind: str,
        cores: Iterable[int],
        seconds: float,
        *,
        seed: int = 0,
        duty: float = 1.0,
    ) -> None:
        _check(kind, seconds, duty)
        self._kind, self._cores = kind, tuple(cores)
        self._seconds, self._seed, self._duty = seconds, seed, duty
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start, and return once all of them make load."""
        self._processes = [self._spawn(core) for core in self._cores]
        for process in self._processes:
            assert process.stdout is not None
            process.stdout.readline()

    def stop(self) -> None:
        """End processes that still run."""
        for process in self._processes:
            process.kill()
        self.wait()

    def wait(self) -> list[int]:
        """Wait until all have ended; how they did, 0 for in time."""
        codes = [process.wait() for process in self._processes]
        for process in self._processes:
            assert process.stdout is not None
            process.stdout.close()
        self._processes = []
        return codes

    @property
    def pids(self) -> list[int]:
        """Processes that make load now."""
        return [process.pid for process in self._processes if process.poll() is None]

    def __enter__(self) -> LoadGenerator:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _spawn(self, core: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "devices.load_generator", "--kind", self._kind]
        command += ["--core", str(core), "--seconds", str(self._seconds)]
        command += ["--seed", str(self._seed + core), "--duty", str(self._duty)]
        command += ["--parent", str(os.getpid())]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)


def _check(kind: str, seconds: float, duty: float) -> None:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
    if not 0 < seconds <= LONGEST_S:
        raise ValueError(f"seconds must be above 0 and at most {LONGEST_S:g}; got {seconds:g}")
    if not 0 < duty <= 1:
        raise ValueError(f"duty must be above 0 and at most 1; got {duty:g}")
