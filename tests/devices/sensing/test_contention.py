"""Readings of the sensor on this box, and on boxes that tell nonsense."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.box.host import usable_cores
from devices.sensing.contention import FRESH_US, WINDOW_US, ContentionSensor
from devices.sensing.readings import BoxReader

SPIN_US = 400_000


def now_us() -> int:
    return time.monotonic_ns() // 1_000


def spin(sensor: ContentionSensor) -> int:
    """Run for a while, looking now and then; gives the moment when it began."""
    started = now_us()
    while now_us() - started < SPIN_US:
        sensor.look(now_us())
    return started


@pytest.fixture
def pinned() -> Iterator[int]:
    """This process on one core, for a while."""
    before, core = os.sched_getaffinity(0), usable_cores()[0]
    os.sched_setaffinity(0, {core})
    yield core
    os.sched_setaffinity(0, before)


@pytest.fixture
def foreigner(pinned: int) -> Iterator[int]:
    """A process of somebody else's on that core."""
    code = f"import os; os.sched_setaffinity(0, {{{pinned}}}); print(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_our_own_work_is_not_foreign(pinned: int) -> None:
    sensor = ContentionSensor(lambda: {os.getpid(): (pinned,)})
    stranger = ContentionSensor()
    sensor.look(now_us())
    stranger.look(now_us())
    started = spin(sensor)
    ours = sensor.sample(now_us(), since_us=started)
    theirs = stranger.sample(now_us(), since_us=started)
    # Of a core that others have too, ours is part of the share that is left of it.
    assert theirs.foreign >= ours.foreign + (1 - ours.foreign) * 0.5 / (os.cpu_count() or 1)


def test_a_process_on_the_same_core_is_contention_whether_we_run_or_not(
    pinned: int, foreigner: int
) -> None:
    sensor = ContentionSensor(lambda: {os.getpid(): (pinned,)})
    sensor.look(now_us())
    started = spin(sensor)
    busy = sensor.sample(now_us(), since_us=started, cores=(pinned,))
    assert busy.contention > 0.8
    assert busy.foreign > 0.2 / (os.cpu_count() or 1)
    assert busy.run_queue > 0


def test_a_fresh_reading_serves_again() -> None:
    sensor = ContentionSensor()
    first = sensor.look(1_000_000)
    assert sensor.look(1_000_000 + FRESH_US - 1) is first
    assert sensor.look(1_000_000 + FRESH_US) is not first


def test_shares_are_shares_on_this_box() -> None:
    sensor = ContentionSensor()
    sensor.look(0)
    load = sensor.sample(WINDOW_US, cores=usable_cores())
    shares = (load.foreign, load.contention, load.memory_pressure, load.memory_used)
    assert all(0 <= share <= 1 for share in shares)
    assert load.memory_used > 0
    assert 0 <= load.frequency <= 1


def test_a_process_that_is_gone_counts_for_nothing() -> None:
    assert BoxReader().process_us(2**22 + 1) == 0


def fake_box(root: Path, busy: int = 0, **files: str) -> Path:
    """A box of one core with these files of its ``sys/devices/system/cpu/cpu0``."""
    cpu = root / "sys/devices/system/cpu/cpu0"
    (cpu / "cpufreq").mkdir(parents=True, exist_ok=True)
    (cpu / "thermal_throttle").mkdir(exist_ok=True)
    for name, text in files.items():
        folder = "cpufreq" if name.endswith("freq") else "thermal_throttle"
        (cpu / folder / name).write_text(text)
    (root / "proc").mkdir(exist_ok=True)
    core = f"{busy} 0 0 {1000 - busy} 0 0 0 0 0 0"
    (root / "proc/stat").write_text(f"cpu  {core}\ncpu0 {core}\nintr 1 2 3\n")
    return root


def test_the_clock_is_told_relative_to_the_highest(tmp_path: Path) -> None:
    root = fake_box(tmp_path, cpuinfo_max_freq="3000000\n", scaling_cur_freq="1500000\n")
    assert ContentionSensor(root=root).sample(0).frequency == 0.5


@pytest.mark.parametrize("khz", ["0", "-1", "20000001", "fast", ""])
@pytest.mark.parametrize("file", ["scaling_cur_freq", "cpuinfo_max_freq"])
def test_a_nonsense_clock_counts_as_unreadable(tmp_path: Path, file: str, khz: str) -> None:
    clocks = {"cpuinfo_max_freq": "3000000", "scaling_cur_freq": "1500000", file: khz}
    assert ContentionSensor(root=fake_box(tmp_path, 0, **clocks)).sample(0).frequency == 0.0


def test_a_clock_above_its_highest_is_the_highest(tmp_path: Path) -> None:
    root = fake_box(tmp_path, cpuinfo_max_freq="3000000", scaling_cur_freq="3100000")
    assert ContentionSensor(root=root).sample(0).frequency == 1.0


def test_a_rising_throttle_counter_is_told(tmp_path: Path) -> None:
    sensor = ContentionSensor(root=fake_box(tmp_path, core_throttle_count="7"))
    sensor.look(0)
    assert not sensor.sample(WINDOW_US).throttled
    fake_box(tmp_path, core_throttle_count="8")
    assert sensor.sample(2 * WINDOW_US).throttled


def test_ticks_of_a_core_become_shares_of_the_window(tmp_path: Path) -> None:
    sensor = ContentionSensor(root=fake_box(tmp_path, busy=100))
    sensor.look(0)
    fake_box(tmp_path, busy=150)
    load = sensor.sample(1_000_000)  # 50 ticks of 10 ms in a second
    assert (load.foreign, load.contention) == (0.5, 0.5)


def test_a_box_that_tells_nothing_of_memory_is_not_under_pressure(tmp_path: Path) -> None:
    load = ContentionSensor(root=fake_box(tmp_path)).sample(0)
    assert (load.memory_pressure, load.memory_used, load.run_queue) == (0.0, 0.0, 0.0)


def test_memory_pressure_is_the_share_of_ten_seconds(tmp_path: Path) -> None:
    root = fake_box(tmp_path)
    (root / "proc/pressure").mkdir()
    (root / "proc/pressure/memory").write_text("some avg10=12.50 avg60=1.00 avg300=0 total=9\n")
    (root / "proc/meminfo").write_text("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 25 kB\n")
    load = ContentionSensor(root=root).sample(0)
    assert (load.memory_pressure, load.memory_used) == (0.125, 0.75)
