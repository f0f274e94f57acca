"""Raw figures of this box from the kernel: use of its cores, memory pressure, clock, throttling.

Every figure is 0, or `None`, where the system does not tell, and where its figure cannot be true: a
sensor that lies is worse than none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path("/")
# No processor reaches it: a clock beyond is a driver's mistake. In kHz, as the kernel counts.
_HIGHEST_KHZ = 20_000_000
_TICK_US = 1_000_000 // (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)
# A line of a core is shorter; the lines after the cores (interrupts) are long and of no use.
_LINE_BYTES = 160
_FIELDS = 8  # user, nice, system, idle, iowait, irq, softirq, steal; guests count as users
_USER_AND_SYSTEM = slice(11, 13)  # of /proc/<pid>/stat, after the name


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The box at one moment. Times count from its start.

    Parameters
    ----------
    busy_us
        Time that anybody ran, by core; time taken away by a hypervisor counts as well.
    ours_us
        Time that each process ran.
    running
        Runnable threads, without the one that looks.
    throttles
        Times that each core was slowed down for heat or power; empty if not told.
    """

    at_us: int
    busy_us: dict[int, int]
    ours_us: dict[int, int] = field(default_factory=dict)
    running: int = 0
    throttles: dict[int, int] = field(default_factory=dict)


class BoxReader:
    """Reads the raw figures of a box.

    Parameters
    ----------
    root
        Folder that holds ``proc`` and ``sys``.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._proc = root / "proc"
        self._cpus = root / "sys/devices/system/cpu"
        self._is_linux = (self._proc / "stat").exists()
        self._counters = self._throttle_files()
        self._clocks: dict[int, tuple[Path, int]] = self._clock_files()

    def read(self, at_us: int, processes: tuple[int, ...] = ()) -> Reading:
        """Take a reading of this moment."""
        return Reading(
            at_us=at_us,
            busy_us=self.busy_us(),
            ours_us={pid: self.process_us(pid) for pid in processes},
            running=self.running(),
            throttles={core: _number(file) for core, file in self._counters.items()},
        )

    def busy_us(self) -> dict[int, int]:
        """Time that anybody ran, by core."""
        if not self._is_linux:
            return _busy_elsewhere()
        size = _LINE_BYTES * (1 + (os.cpu_count() or 1))
        with (self._proc / "stat").open("rb", buffering=0) as file:
            lines = file.read(size).split(b"\n")[1:-1]
        cores = (line.split() for line in lines if line.startswith(b"cpu"))
        return {int(core[0][3:]): _busy_of(core[1 : _FIELDS + 1]) for core in cores}

    def process_us(self, pid: int) -> int:
        """Time that a process ran; 0 if it is gone."""
        try:
            if not self._is_linux:
                times = psutil.Process(pid).cpu_times()
                return int((times.user + times.system) * 1_000_000)
            text = (self._proc / str(pid) / "stat").read_bytes()
        except (OSError, psutil.Error):
            return 0
        # The name may hold anything, brackets and spaces too.
        return sum(map(int, text.rpartition(b")")[2].split()[_USER_AND_SYSTEM])) * _TICK_US

    def running(self) -> int:
        """Runnable threads, without the one that looks."""
        try:
            text = (self._proc / "loadavg").read_text()
            return max(0, int(text.split()[3].partition("/")[0]) - 1)
        except (OSError, ValueError, IndexError):
            return 0

    def memory_pressure(self) -> float:
        """Share of the last ten seconds in which some process waited for memory."""
        try:
            text = (self._proc / "pressure/memory").read_text()
            return _share(float(text.split()[1].removeprefix("avg10=")) / 100)
        except (OSError, ValueError, IndexError):
            return 0.0

    def memory_used(self) -> float:
        """Share of the main memory in use."""
        try:
            lines = (self._proc / "meminfo").read_text().splitlines()
            sizes = {line.partition(":")[0]: int(line.split()[1]) for line in lines[:5]}
            return _share(1 - sizes["MemAvailable"] / sizes["MemTotal"])
        except (OSError, ValueError, KeyError, ZeroDivisionError):
            return _share(psutil.virtual_memory().percent / 100) if not self._is_linux else 0.0

    def frequency(self, cores: tuple[int, ...]) -> float:
        """Slowest clock of these cores over the highest it reaches; 0 if it cannot be told."""
        ratios = []
        for core in cores:
            file, highest = self._clocks.get(core, (Path(), 0))
            khz = _number(file) if highest else 0
            if _is_clock(khz):
                ratios.append(min(1.0, khz / highest))
        return min(ratios, default=0.0)

    def _clock_files(self) -> dict[int, tuple[Path, int]]:
        folders = {int(f.parent.name[3:]): f for f in self._cpus.glob("cpu[0-9]*/cpufreq")}
        tops = {core: _number(folder / "cpuinfo_max_freq") for core, folder in folders.items()}
        return {
            core: (folder / "scaling_cur_freq", tops[core])
            for core, folder in folders.items()
            if _is_clock(tops[core])
        }

    def _throttle_files(self) -> dict[int, Path]:
        files = self._cpus.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
        return {int(file.parent.parent.name[3:]): file for file in files}


def _busy_of(fields: list[bytes]) -> int:
    ticks = [int(value) for value in fields]
    return (sum(ticks) - ticks[3] - ticks[4]) * _TICK_US  # all but idle and waiting for disks


def _busy_elsewhere() -> dict[int, int]:
    times = psutil.cpu_times(percpu=True)
    return {n: int((sum(t) - t.idle) * 1_000_000) for n, t in enumerate(times)}


def _number(file: Path) -> int:
    """Number in a file of one number; -1 if there is none."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return -1


def _is_clock(khz: int) -> bool:
    return 0 < khz <= _HIGHEST_KHZ


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
