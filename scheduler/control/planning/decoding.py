"""From a choice of modes and an order to times: serial schedule generation, band by band."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from operator import itemgetter

from scheduler.model.objectives import Objective, evaluate
from scheduler.model.problem import Band, Machine, Mode, Operation, Problem
from scheduler.model.schedule import Assignment, Schedule


class _Lane:
    """Busy spans of one machine, and the time before which a band may not use its gaps.

    Of setups it knows those that are kept: one before the first operation of a family in time.
    """

    def __init__(self, machine: Machine) -> None:
        self.busy: list[tuple[int, int]] = []
        self._loaded_us = dict.fromkeys((machine.family, *machine.kept), 0)
        self._floor_us = 0
        self._next_floor_us = 0
        self._band = Band.CRITICAL

    def earliest_us(self, ready_us: int, mode: Mode, band: Band, now_us: int) -> int:
        """First start in a gap that is long enough, in microseconds from the origin."""
        self._enter(band)
        start_us, loaded_us = max(ready_us, self._floor_us), self._loaded_us.get(mode.family)
        if not mode.setup_us:
            return self._gap_us(start_us, mode.duration_us)
        begin_us = max(start_us - mode.setup_us, self._floor_us, now_us)
        cold_us = self._gap_us(begin_us, mode.setup_us + mode.duration_us) + mode.setup_us
        if loaded_us is None:
            return cold_us
        return min(cold_us, self._gap_us(max(start_us, loaded_us), mode.duration_us))

    def _gap_us(self, start_us: int, duration_us: int) -> int:
        i = max(0, bisect_right(self.busy, (start_us, start_us)) - 1)
        for begin_us, end_us in self.busy[i:]:
            if begin_us >= start_us + duration_us:
                break
            start_us = max(start_us, end_us)
        return start_us

    def run(self, mode: Mode, start_us: int, end_us: int, *, is_ready: bool) -> None:
        """Put an operation there, and its setup before it where one is due."""
        loaded_us = self._loaded_us.get(mode.family)
        is_first = loaded_us is None or start_us < loaded_us
        if is_first:
            self._loaded_us[mode.family] = start_us
        self.take(start_us - is_first * mode.setup_us, end_us, is_ready=is_ready)

    def hold(self, family: str) -> None:
        """Begin with a session that is there."""
        self._loaded_us[family] = 0

    def take(self, start_us: int, end_us: int, *, is_ready: bool) -> None:
        """Mark a span as busy, and join it with those that it overlaps: spans stay disjoint."""
        i = j = bisect_left(self.busy, start_us, key=itemgetter(1))
        while j < len(self.busy) and self.busy[j][0] <= end_us:
            j += 1
        spans = [(start_us, end_us), *self.busy[i:j]]
        self.busy[i:j] = [(min(begin for begin, _ in spans), max(end for _, end in spans))]
        if is_ready:
            self._next_floor_us = max(self._next_floor_us, end_us)

    def _enter(self, band: Band) -> None:
        # An urgent operation that could start now keeps everything less urgent behind it: a gap
        # before it exists only in the plan, and reality may need it.
        if band != self._band:
            self._band, self._floor_us = band, self._next_floor_us


def decode(problem: Problem, modes: Mapping[str, int], order: Mapping[str, int]) -> Schedule:
    """Schedule the operations in the given modes, in the given order, each as early as it can.

    Parameters
    ----------
    modes
        Index of the mode of each operation that has not started.
    order
        Rank of each operation that has not started; bands come before ranks, and an operation
        never before what it waits for.
    """
    lanes = {machine.id: _Lane(machine) for machine in problem.machines}
    for machine in problem.machines:
        for window in machine.unavailable:
            lanes[machine.id].take(window.start_us, window.end_us, is_ready=False)
    placed: dict[str, Assignment] = {}
    for op in problem.operations:
        if op.progress is not None:
            at = placed[op.id] = _frozen(problem, op)
            lanes[at.machine].hold(op.modes[at.mode].family)
            if op.progress.end_us is None:
                lanes[at.machine].take(at.start_us, at.end_us, is_ready=False)
    for op in _sequence(problem, order):
        placed[op.id] = _place(problem, op, modes[op.id], placed, lanes)
    return Schedule(assignments=tuple(placed[op.id] for op in problem.operations))


def fastest_modes(problem: Problem) -> dict[str, int]:
    """The shortest mode of each operation that has not started."""
    return {
        op.id: min(range(len(op.modes)), key=lambda i: op.modes[i].duration_us)
        for op in problem.operations
        if op.progress is None
    }


def overtakes(problem: Problem, schedule: Schedule) -> bool:
    """True if an operation is put before a more urgent one that could start at once."""
    bands = {job.id: job.band for job in problem.jobs}
    if len(set(bands.values())) < 2:
        return False
    most_urgent: dict[str, Band] = {}
    for at in sorted(schedule, key=lambda at: -at.start_us):
        op = problem.operation(at.operation)
        if op.progress is not None:
            continue
        band = bands[op.job]
        if band > most_urgent.get(at.machine, band):
            return True
        if is_free(problem, op):
            most_urgent[at.machine] = min(band, most_urgent.get(at.machine, band))
    return False


def is_free(problem: Problem, op: Operation) -> bool:
    """True if nothing that the operation waits for is left to do."""
    return all(
        (progress := problem.operation(edge.source).progress) and progress.end_us is not None
        for edge in problem.edges_in(op.id)
    )


def band_ends_us(problem: Problem, schedule: Schedule) -> dict[Band, int]:
    """Latest end of each band, in microseconds from the origin."""
    bands = {job.id: job.band for job in problem.jobs}
    ends: dict[Band, int] = {}
    for op in problem.operations:
        band = bands[op.job]
        ends[band] = max(ends.get(band, 0), schedule[op.id].end_us)
    return ends


def is_better(problem: Problem, new: Schedule, old: Schedule) -> bool:
    """True if a schedule ends earlier and no band but the last pays for it."""
    return not _pays(problem, new, old) and new.makespan_us < old.makespan_us


def _pays(problem: Problem, new: Schedule, old: Schedule) -> bool:
    """True if a band other than the last ends later."""
    new_ends, old_ends = band_ends_us(problem, new), band_ends_us(problem, old)
    return any(new_ends[band] > old_ends[band] for band in sorted(old_ends)[:-1])


def gains(problem: Problem, new: Schedule, old: Schedule, *, share: float) -> bool:
    """True if a schedule ends, or is late, by that share less, and is worse in neither.

    The share is of what the old schedule takes from now on, or of its weighted tardiness.
    """
    saved_us = old.makespan_us - new.makespan_us
    late = [evaluate(problem, each, Objective.WEIGHTED_TARDINESS) for each in (new, old)]
    if saved_us < 0 or late[0] > late[1] or _pays(problem, new, old):
        return False
    is_sooner = saved_us >= share * (old.makespan_us - problem.now_us) > 0
    return is_sooner or late[1] - late[0] >= share * late[1] > 0


def _frozen(problem: Problem, op: Operation) -> Assignment:
    progress = op.progress
    assert progress is not None
    mode = op.modes[progress.mode]
    end_us = progress.end_us
    if end_us is None:
        end_us = max(progress.start_us + mode.duration_us, problem.now_us)
    return Assignment(
        operation=op.id,
        mode=progress.mode,
        machine=mode.machine,
        start_us=progress.start_us,
        end_us=end_us,
    )


def _sequence(problem: Problem, order: Mapping[str, int]) -> list[Operation]:
    """Unstarted operations by band and rank, each after all that precede it."""
    bands = {job.id: job.band for job in problem.jobs}
    waiting = {
        op.id: sum(problem.operation(e.source).progress is None for e in problem.edges_in(op.id))
        for op in problem.operations
        if op.progress is None
    }
    heap = [
        (bands[problem.operation(name).job], order[name], name)
        for name, count in waiting.items()
        if not count
    ]
    heapify(heap)
    sequence: list[Operation] = []
    while heap:
        op = problem.operation(heappop(heap)[2])
        sequence.append(op)
        for edge in problem.edges_out(op.id):
            waiting[edge.target] -= 1
            if not waiting[edge.target]:
                job = problem.operation(edge.target).job
                heappush(heap, (bands[job], order[edge.target], edge.target))
    return sequence


def _place(
    problem: Problem,
    op: Operation,
    index: int,
    placed: Mapping[str, Assignment],
    lanes: Mapping[str, _Lane],
) -> Assignment:
    mode = op.modes[index]
    job = problem.job(op.job)
    device = problem.machine(mode.machine).device_id
    ready_us = max(problem.now_us, job.release_us)
    for edge in problem.edges_in(op.id):
        before = placed[edge.source]
        source = problem.machine(before.machine).device_id
        ready_us = max(ready_us, before.end_us + problem.transfer_us(edge, source, device))
    lane = lanes[mode.machine]
    start_us = lane.earliest_us(ready_us, mode, job.band, problem.now_us)
    end_us = start_us + mode.duration_us
    lane.run(mode, start_us, end_us, is_ready=is_free(problem, op))
    return Assignment(
        operation=op.id, mode=index, machine=mode.machine, start_us=start_us, end_us=end_us
    )
