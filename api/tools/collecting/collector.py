"""Measures points on machines in random order, a group of them under several surroundings.

What is compared is measured close together: a group's sessions are made once, and then run idle,
under each of a few loads, and idle again, in an order that a seed decides. The two idle passes
tell how well the same thing can be measured twice.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from api.tools.collecting.corpus import Point, kernel_points
from api.tools.collecting.stations import Station
from api.tools.collecting.surroundings import IDLE, Surroundings, drawn, made
from cost_models.features import GraphCost, graph_cost, kernels, vector
from cost_models.profiles.measurement import Measurement
from cost_models.roofline import operator_sum_us, roofline_us
from devices.box.fingerprint import fingerprint
from devices.catalogue import provider
from devices.collecting import Ask, Runner, RunnerDied, Told
from devices.sensing.contention import ContentionSensor
from devices.sensing.energy import EnergyMeter
from scheduler.model.errors import FjordError
from scheduler.model.measuring import Load, Peaks

GROUP = 4
"""Points measured together, on all machines."""
LOADS = 3
"""Foreign loads per group, besides two idle passes and one beside a neighbour."""
REPEATS = 8
BUDGET_US = 120_000
KERNELS = 48
"""Kernels measured with each group, at rest; no kernel comes twice."""
KERNEL_REPEATS = 6
KERNEL_BUDGET_US = 12_000
WARM_US = 5_000
COUNTED = 512
"""Graphs whose counts are kept: networks come again and again, kernels never."""
PEAKS_BUDGET_US = 3_000_000
# Some runs follow a rest: a machine that is not fully used is slower at first.
_RESTED = 0.2
_RESTS_US = (500, 2_000, 10_000, 40_000)

Emit = Callable[[Measurement], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuringEffort:
    """The length of a measurement: so many runs, or as many as fit, each after a rest."""

    repeats: int = REPEATS
    budget_us: int = BUDGET_US
    gap_us: int = 0


@dataclass(slots=True)
class CollectionTally:
    """Counts of a collection: groups and rows that were written, and refusals by reason."""

    groups: int = 0
    rows: int = 0
    refused: dict[str, str] = field(default_factory=dict)


class Collector:
    """Measures until its time is over.

    Parameters
    ----------
    emit
        Takes each row as it is made.
    seed
        Of the order and of all that is drawn: group `n` is the same in every run.
    """

    def __init__(
        self,
        points: Sequence[Point],
        machines: Sequence[Station],
        cores: Sequence[int],
        emit: Emit,
        *,
        seed: int = 0,
    ) -> None:
        self._points, self._machines, self._cores = list(points), list(machines), tuple(cores)
        self._emit = emit
        self._seed = seed
        self._runners = {machine: Runner(machine.provider, machine.cores) for machine in machines}
        self._lane = Runner("cpu", self._cores[-1:])
        self._sensor = ContentionSensor(self._processes)
        self._energy = EnergyMeter()
        self._peaks: dict[Station, Peaks] = {}
        self._end_s = 0.0
        self.tally = CollectionTally()

    def run(
        self,
        seconds: float,
        groups: int | None = None,
        *,
        first: int = 0,
        done: Callable[[int], None],
    ) -> CollectionTally:
        """Measure so many groups from the given one on; `done` is told the number of the next."""
        self._end_s = time.monotonic() + seconds
        with ExitStack() as stack:
            for runner in (*self._runners.values(), self._lane):
                stack.callback(runner.close)
            self._measure_peaks()
            number = first
            while not self._is_over() and (groups is None or number < first + groups):
                self._group(number)
                number += 1
                if not self._is_over():
                    done(number)
                    self.tally.groups = number
        return self.tally

    def _is_over(self) -> bool:
        return time.monotonic() >= self._end_s

    def _measure_peaks(self) -> None:
        for machine, runner in self._runners.items():
            # The best of three, because other programs can only lower a peak.
            found = [runner.peaks(PEAKS_BUDGET_US) for _ in range(3)]
            self._peaks[machine] = max(found, key=lambda p: p.flops_per_s.get("float32", 0.0))

    def _group(self, number: int) -> None:
        chance = random.Random(f"{self._seed}/group/{number}")
        chosen = self._chosen(number)
        for around in self._schedule(chance, chosen):
            work = [(point, machine) for point in chosen for machine in self._machines]
            chance.shuffle(work)
            with made(around, self._lane) as is_made:
                for point, machine in work if is_made else ():
                    if self._is_over():
                        return
                    if not self._clash(around, machine):
                        gap_us = chance.choice(_RESTS_US) if chance.random() < _RESTED else 0
                        self._measure(point, machine, around, MeasuringEffort(gap_us=gap_us))
        self._forget()
        self._kernels(number, chance)
        self._forget()

    def _forget(self) -> None:
        for runner in self._runners.values():
            runner.forget()

    def _kernels(self, number: int, chance: random.Random) -> None:
        """The kernels of a group, in random order over the machines."""
        with TemporaryDirectory(prefix="fjord-kernels-") as folder:
            points = kernel_points(Path(folder), number * KERNELS, KERNELS, self._seed)
            work = [(point, machine) for point in points for machine in self._machines]
            chance.shuffle(work)
            for point, machine in work:
                if self._is_over():
                    return
                self._measure(
                    point,
                    machine,
                    IDLE,
                    MeasuringEffort(repeats=KERNEL_REPEATS, budget_us=KERNEL_BUDGET_US),
                )

    def _chosen(self, number: int) -> list[Point]:
        """The points of a group: all come up once before any comes up again."""
        size = min(GROUP, len(self._points))
        per_round = -(-len(self._points) // size)
        order = list(self._points)
        random.Random(f"{self._seed}/round/{number // per_round}").shuffle(order)
        start = number % per_round * size
        return order[start : start + size]

    def _schedule(self, chance: random.Random, chosen: list[Point]) -> list[Surroundings]:
        found = [IDLE, IDLE, *(drawn(chance, self._cores) for _ in range(LOADS))]
        if len(self._cores) > 1:
            beside = chance.choice(self._points)
            around = Surroundings(cores=self._cores[-1:], neighbour=beside)
            with suppress(FjordError):  # it is told when it is measured itself
                found.append(replace(around, neighbour_kind=_cost(beside).kind))
        chance.shuffle(found)
        return found

    def _clash(self, around: Surroundings, machine: Station) -> bool:
        """Two lanes of ours never share a core."""
        return around.neighbour is not None and bool(set(around.cores) & set(machine.cores))

    def _measure(
        self, point: Point, machine: Station, around: Surroundings, effort: MeasuringEffort
    ) -> None:
        ask = Ask(
            path=point.path,
            shapes=point.shapes,
            repeats=effort.repeats,
            budget_us=effort.budget_us,
            gap_us=effort.gap_us,
            warm_us=0 if effort.gap_us else WARM_US,
        )
        name = f"{machine.machine} {Path(point.path).name}"
        if name in self.tally.refused:
            return
        self._sensor.look(_now_us())
        energy = self._energy.read_uj()
        try:
            _cost(point)
            told = self._runners[machine].ask(ask)
        except (RunnerDied, FjordError) as error:
            told = Told(refusal=str(error))
        if told.refusal:
            self.tally.refused[name] = told.refusal
            return
        used_uj = self._energy.used_uj(energy)
        load = self._load(told, machine, around, effort.gap_us)
        row = self._row(point, machine, told, load)
        per_run = used_uj // (len(told.samples_us) + 1) if used_uj is not None else None
        self._emit(replace(row, energy_uj=per_run))
        self.tally.rows += 1

    def _load(self, told: Told, machine: Station, around: Surroundings, gap_us: int) -> Load:
        sensed = self._sensor.sample(_now_us(), since_us=told.started_us, cores=machine.cores)
        busy_us = sum(told.samples_us) / len(told.samples_us)
        return replace(
            sensed,
            neighbours=around.neighbours,
            utilisation=busy_us / (busy_us + gap_us),
            idle_us=gap_us,
            pace_ns=told.pace_ns,
        )

    def _row(self, point: Point, machine: Station, told: Told, load: Load) -> Measurement:
        cost, peaks = _cost(point), self._peaks[machine]
        return Measurement(
            digest=point.digest,
            family=point.family,
            shapes=point.shapes,
            batch=point.batch,
            variant=point.variant,
            graph=vector(cost),
            kernels=kernels(cost),
            machine=machine.machine,
            fingerprint=fingerprint(provider(machine.provider)),
            provider=machine.provider,
            threads=len(machine.cores),
            peaks=peaks,
            load=load,
            samples_us=told.samples_us,
            load_us=told.load_us,
            peak_bytes=told.peak_bytes,
            at_us=time.time_ns() // 1_000,
            source="collected",
            roofline_us=roofline_us(cost, peaks),
            operator_sum_us=operator_sum_us(cost, peaks),
        )

    def _processes(self) -> dict[int, tuple[int, ...]]:
        runners: Iterator[Runner] = iter((*self._runners.values(), self._lane))
        pinned = {runner.pid: runner.cores for runner in runners}
        return {os.getpid(): ()} | {pid: cores for pid, cores in pinned.items() if pid is not None}


def _now_us() -> int:
    return time.monotonic_ns() // 1_000


def _cost(point: Point) -> GraphCost:
    return _counted(point.path, tuple(sorted(point.shapes.items())))


@lru_cache(maxsize=COUNTED)
def _counted(path: str, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> GraphCost:
    return graph_cost(onnx.load(path), dict(shapes))
