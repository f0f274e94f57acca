"""From a problem and its schedule to a chart, in the names and times of the problem's file."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from api.tools.gantt.chart import Block, Chart, ChartTransfer, Deadline
from scheduler.instances import Instance
from scheduler.model.problem import Machine, Mode, Problem
from scheduler.model.schedule import Assignment, Schedule

US_PER_MS = 1_000


@dataclass(frozen=True)
class Words:
    """Names of machines and texts of times in a chart.

    Parameters
    ----------
    time
        From microseconds of the problem to the shown unit.
    """

    machines: tuple[str, ...]
    time: Callable[[int], float]
    unit: str

    def span(self, start_us: int, end_us: int) -> str:
        """Say from when to when, and how long."""
        start, end = self.time(start_us), self.time(end_us)
        unit = f" {self.unit}" if self.unit else ""
        return f"{start:,} to {end:,}{unit} ({self.time(end_us - start_us):,})"


def words_of(instance: Instance) -> Words:
    """Speak as the file does; microseconds, which are ours, are shown as milliseconds."""
    numbers = instance.machine_numbers
    machines = tuple(f"machine {n}" if isinstance(n, int) else n for n in numbers)
    if instance.unit == "us":
        return Words(machines, lambda time_us: time_us / US_PER_MS, "ms")
    return Words(machines, instance.value, instance.unit)


def chart_of(instance: Instance, schedule: Schedule, *, title: str, notes: str) -> Chart:
    """Give a schedule as a chart.

    A machine that runs many operations at once has as many rows as it needs.
    """
    rows = _Rows(instance.problem, schedule, words_of(instance))
    blocks = tuple(rows.blocks())
    return Chart(
        title=title,
        notes=notes,
        rows=tuple(rows.names),
        blocks=blocks,
        transfers=tuple(rows.transfers()),
        deadlines=tuple(rows.deadlines()),
        unit=rows.words.unit,
    )


@dataclass
class _Rows:
    problem: Problem
    schedule: Schedule
    words: Words
    names: list[str] = field(default_factory=list)
    row_of: dict[str, int] = field(default_factory=dict)
    setup_us: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        runs: dict[str, list[Assignment]] = {}
        for placed in self.schedule:
            runs.setdefault(placed.machine, []).append(placed)
        for machine, name in zip(self.problem.machines, self.words.machines, strict=True):
            found = sorted(runs.get(machine.id, ()), key=lambda a: (a.start_us, a.end_us))
            self._add(machine, name, found)

    def _add(self, machine: Machine, name: str, placed: list[Assignment]) -> None:
        lanes = [0] * len(placed) if machine.exclusive else _lanes(placed)
        first, count = len(self.names), max(lanes, default=0) + 1
        self.names += [name, *(f"{name}/{lane}" for lane in range(2, count + 1))]
        for one, lane in zip(placed, lanes, strict=True):
            self.row_of[one.operation] = first + lane
        self.setup_us.update(self._setups(machine, placed))

    def _setups(self, machine: Machine, placed: Iterable[Assignment]) -> Iterator[tuple[str, int]]:
        """Operations before which the machine was made ready, and for how long."""
        loaded = {machine.family, *machine.kept}
        for one in placed if machine.exclusive else ():
            mode = self._mode(one)
            started = self.problem.operation(one.operation).progress is not None
            if mode.family not in loaded and mode.setup_us and not started:
                yield one.operation, mode.setup_us
            if not machine.keeps_setups:
                loaded.clear()
            loaded.add(mode.family)

    def _mode(self, placed: Assignment) -> Mode:
        return self.problem.operation(placed.operation).modes[placed.mode]

    def blocks(self) -> Iterator[Block]:
        """All operations, in the order of the problem."""
        for operation in self.problem.operations:
            placed = self.schedule[operation.id]
            row = self.row_of[operation.id]
            span = self.words.span(placed.start_us, placed.end_us)
            yield Block(
                row=row,
                job=operation.job,
                label=operation.id.removeprefix(f"{operation.job}/"),
                start=self.words.time(placed.start_us),
                end=self.words.time(placed.end_us),
                setup=self.words.time(self.setup_us.get(operation.id, 0)),
                details=f"{operation.id} of job {operation.job} on {self.names[row]}\n{span}",
            )

    def transfers(self) -> Iterator[ChartTransfer]:
        """Data that takes time from one device to another."""
        for edge in self.problem.edges if self.problem.links else ():
            source, target = self.schedule[edge.source], self.schedule[edge.target]
            devices = [self.problem.machine(m).device_id for m in (source.machine, target.machine)]
            took_us = self.problem.transfer_us(edge, *devices)
            if took_us:
                arrival_us = source.end_us + took_us
                span = self.words.span(source.end_us, arrival_us)
                yield ChartTransfer(
                    row=self.row_of[edge.target],
                    job=self.problem.operation(edge.target).job,
                    start=self.words.time(source.end_us),
                    end=self.words.time(arrival_us),
                    details=f"{edge.source} to {edge.target}\n{span}",
                )

    def deadlines(self) -> Iterator[Deadline]:
        """Deadlines of the jobs that have one."""
        last: dict[str, Assignment] = {}
        for operation in self.problem.operations:
            placed = self.schedule[operation.id]
            if operation.job not in last or placed.end_us > last[operation.job].end_us:
                last[operation.job] = placed
        for job in self.problem.jobs:
            if job.deadline_us is None or job.id not in last:
                continue
            at = self.words.time(job.deadline_us)
            missed = last[job.id].end_us > job.deadline_us
            yield Deadline(
                row=self.row_of[last[job.id].operation],
                job=job.id,
                at=at,
                missed=missed,
                details=f"deadline of job {job.id}: {at:,}{', missed' if missed else ''}",
            )


def _lanes(placed: list[Assignment]) -> list[int]:
    """Give each a lane in which nothing else runs meanwhile; as few lanes as possible.

    Takes them in order of their starts.
    """
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    found: list[int] = []
    for one in placed:
        while busy and busy[0][0] <= one.start_us:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (one.end_us, lane))
        found.append(lane)
    return found
