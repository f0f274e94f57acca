"""Load that is made on purpose: it is there, it is of its kind, and it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from devices.box.host import usable_cores
from devices.load_generator import KINDS, LoadGenerator
from devices.load_generator.generator import LONGEST_S
from devices.sensing.contention import ContentionSensor
from devices.sensing.readings import BoxReader

CORE = usable_cores()[0]
ENOUGH_US = 100_000
LONG_S = 60.0


def now_us() -> int:
    return time.monotonic_ns() // 1_000


def used_us(pid: int, at_least: int) -> int:
    """Processor time of a process, once it is as much; its own limit ends the wait."""
    box = BoxReader()
    while (used := box.process_us(pid)) < at_least and psutil.pid_exists(pid):
        pass
    return used


@pytest.mark.parametrize("kind", KINDS)
def test_load_of_each_kind_takes_its_core(kind: str) -> None:
    with LoadGenerator(kind, [CORE], LONG_S) as load:
        (pid,) = load.pids
        assert os.sched_getaffinity(pid) == {CORE}
        assert used_us(pid, ENOUGH_US) >= ENOUGH_US
    assert not psutil.pid_exists(pid)


def test_the_sensor_sees_the_load_as_foreign() -> None:
    sensor = ContentionSensor()
    sensor.look(now_us())
    with LoadGenerator("compute", [CORE], LONG_S) as load:
        began = now_us()
        sensor.look(began)
        used_us(load.pids[0], BoxReader().process_us(load.pids[0]) + 3 * ENOUGH_US)
        seen = sensor.sample(now_us(), since_us=began, cores=(CORE,))
    assert seen.foreign > 0
    assert seen.contention > 0


def test_load_ends_by_itself_in_good_order() -> None:
    load = LoadGenerator("bursty", usable_cores()[:2], 0.2)
    load.start()
    assert load.wait() == [0] * len(usable_cores()[:2])
    assert load.pids == []


def test_load_dies_with_whoever_started_it() -> None:
    code = (
        "import os, signal\n"
        "from devices.load_generator import LoadGenerator\n"
        f"load = LoadGenerator('compute', [{CORE}], {LONG_S})\n"
        "load.start()\n"
        "print(load.pids[0], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    orphan = psutil.Process(int(child.stdout)) if psutil.pid_exists(int(child.stdout)) else None
    assert orphan is None or orphan.wait(timeout=10) is None


def test_a_part_of_a_core_can_be_asked_for() -> None:
    with LoadGenerator("compute", [CORE], LONG_S, duty=0.3) as load:
        began, before = now_us(), BoxReader().process_us(load.pids[0])
        used = used_us(load.pids[0], before + 2 * ENOUGH_US) - before
        assert used / (now_us() - began) < 0.6


@pytest.mark.parametrize(
    ("kind", "seconds", "duty", "law"),
    [
        ("disk", 1.0, 1.0, "kind must be one of compute, memory, mixed, bursty; got 'disk'"),
        ("mixed", 0.0, 1.0, "seconds must be above 0 and at most 600; got 0"),
        ("mixed", LONGEST_S + 1, 1.0, "seconds must be above 0 and at most 600; got 601"),
        ("mixed", 1.0, 0.0, "duty must be above 0 and at most 1; got 0"),
        ("mixed", 1.0, 1.1, "duty must be above 0 and at most 1; got 1.1"),
    ],
)
def test_load_without_bounds_is_refused(kind: str, seconds: float, duty: float, law: str) -> None:
    with pytest.raises(ValueError, match=law):
        LoadGenerator(kind, [CORE], seconds, duty=duty)
