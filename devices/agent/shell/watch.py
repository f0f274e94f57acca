"""Watches the box while the agent lives, so that each run's load can be told when it ends."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from devices.agent.shell.worker_process import WorkerLane
from devices.sensing.contention import WINDOW_US, ContentionSensor
from scheduler.model.measuring import Load
from scheduler.model.messages import MachineReport


class ContentionWatch:
    """A sensor that knows the agent's own processes and the time.

    It looks four times a second, so that no sample reaches far back; that costs 0.1 % of a core.
    """

    def __init__(self, lanes: Mapping[str, WorkerLane], machines: Sequence[MachineReport]) -> None:
        self._lanes = lanes
        self._cores = {machine.id: machine.cores for machine in machines}
        self._sensor = ContentionSensor(self._processes)

    async def run(self) -> None:
        """Look now and then, for ever."""
        while True:
            self._sensor.look(_now_us())
            await asyncio.sleep(WINDOW_US / 1_000_000)

    def load(self, machine: str, since_us: int, pace_ns: int) -> Load:
        """Contention on the box until now; `since_us` is of the monotonic clock."""
        cores = self._cores[machine]
        return replace(
            self._sensor.sample(_now_us(), since_us=since_us, cores=cores), pace_ns=pace_ns
        )

    def _processes(self) -> dict[int, tuple[int, ...]]:
        workers = {lane.pid: self._cores[name] for name, lane in self._lanes.items()}
        return {os.getpid(): ()} | {pid: cores for pid, cores in workers.items() if pid is not None}


def _now_us() -> int:
    return time.monotonic_ns() // 1_000
