"""A new run put into the plan in force, ahead of all that is less urgent.

To plan everything anew takes several times as long as a short urgent run itself. So only what is
as urgent as the run is planned. The rest keeps its machines and its order, and begins later where
it has to: a forward pass over the plan. Soon after, the whole is planned anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from scheduler.control.forecast.loads import foresee
from scheduler.control.planning.planning import absolute, line_up, solve
from scheduler.control.planning.snapshot import Snapshot, take_snapshot
from scheduler.control.state.operations import LiveOperation, LiveRun, Placement, is_ready
from scheduler.control.state.state import State, Turn
from scheduler.model.schedule import Schedule

_LEAST_BEHIND = 32
"""With fewer operations that are less urgent, all are planned anew in no more time."""
_LEAST_SHARE = 4
"""So many times as many must be less urgent as are not: those that are not are planned anew."""


def insert(state: State, turn: Turn, run: LiveRun) -> bool:
    """Place a new run without planning everything anew; False where that is not to be.

    Nothing has changed then.
    """
    rest = _less_urgent(state, run)
    if rest is None or not _is_plain(state, run):
        return False
    foresee(state)
    snapshot = take_snapshot(state, least=run.effective_band)
    if snapshot.blocked or not snapshot.planned:
        return False
    schedule = solve(state, snapshot)
    placed = absolute(state, snapshot, schedule)
    lanes = _lanes(snapshot, schedule, placed)
    if any(op.placement is None or op.placement.mode.machine not in lanes for op in rest):
        return False
    placed |= _shifted(snapshot, schedule, rest, lanes)
    _put_in_force(state, run, (*snapshot.planned, *rest), placed)
    for op in snapshot.running:
        op.expected_end_us = snapshot.origin_us + schedule[op.id].end_us
    turn.replanned = True
    state.count("inserted")
    return True


def _less_urgent(state: State, run: LiveRun) -> list[LiveOperation] | None:
    """Planned operations less urgent than a run; ``None`` if they are not most of the plan."""
    planned = state.plan.planned
    rest = [op for op in planned.values() if op.band > run.effective_band]
    urgent = len(planned) - len(rest) + run.unfinished
    return rest if len(rest) >= max(_LEAST_BEHIND, _LEAST_SHARE * urgent) else None


def _is_plain(state: State, run: LiveRun) -> bool:
    """True if a run can be planned as it is, and no machine is kept free for another one."""
    kept = [each for each in state.plan.reservations if each.is_window]
    is_for_others = any((each.workload, each.band) != (run.workload, run.band) for each in kept)
    return not (run.is_ended or run.rest or is_for_others)


class _Lane:
    """Free time of a machine for less urgent work, asked in the order of the plan."""

    def __init__(self, free_us: int) -> None:
        self.free_us = free_us
        self.busy: list[tuple[int, int]] = []
        self._next = 0

    def take(self, ready_us: int, takes_us: int) -> int:
        """Start something as soon as it fits; gives when that is. Times are absolute."""
        start_us = max(ready_us, self.free_us)
        while self._next < len(self.busy) and self.busy[self._next][0] < start_us + takes_us:
            start_us = max(start_us, self.busy[self._next][1])
            self._next += 1
        self.free_us = start_us + takes_us
        return start_us


def _lanes(
    snapshot: Snapshot, schedule: Schedule, placed: dict[str, Placement]
) -> dict[str, _Lane]:
    """Lanes of the machines: their urgent work, their running work, and their windows."""
    origin_us = snapshot.origin_us
    lanes = {
        each.id: _Lane(origin_us + snapshot.problem.now_us) for each in snapshot.problem.machines
    }
    for machine in snapshot.problem.machines:
        spans = machine.unavailable
        lanes[machine.id].busy += [(origin_us + s.start_us, origin_us + s.end_us) for s in spans]
    for op in snapshot.running:
        at = schedule[op.id]
        lanes[at.machine].busy.append((origin_us + at.start_us, origin_us + at.end_us))
    for op in snapshot.planned:
        at_us = placed[op.id]
        lane = lanes[at_us.mode.machine]
        lane.busy.append((at_us.start_us, at_us.end_us))
        if is_ready(op):
            # A gap before an operation that could start now exists only in the plan: reality may
            # need it.
            lane.free_us = max(lane.free_us, at_us.end_us)
    for lane in lanes.values():
        lane.busy.sort()
    return lanes


def _shifted(
    snapshot: Snapshot,
    schedule: Schedule,
    rest: Iterable[LiveOperation],
    lanes: dict[str, _Lane],
) -> dict[str, Placement]:
    """Placements of less urgent work on their machines, each start as early as it can be now."""
    ends_us = {op.id: snapshot.origin_us + schedule[op.id].end_us for op in snapshot.running}
    placements: dict[str, Placement] = {}
    for op in sorted(rest, key=_start_us):
        before = op.placement
        assert before is not None
        ready_us = max((ends_us.get(name, 0) for name in op.unmet), default=0) + before.transfer_us
        takes_us = before.end_us - before.start_us
        start_us = lanes[before.mode.machine].take(ready_us, takes_us)
        ends_us[op.id] = start_us + takes_us
        placements[op.id] = Placement(
            mode=before.mode,
            provenance=before.provenance,
            start_us=start_us,
            end_us=start_us + takes_us,
            transfer_us=before.transfer_us,
            load_us=before.load_us,
            spread_us=before.spread_us,
        )
    return placements


def _start_us(op: LiveOperation) -> int:
    assert op.placement is not None
    return op.placement.start_us


def _put_in_force(
    state: State, run: LiveRun, planned: Iterable[LiveOperation], placed: dict[str, Placement]
) -> None:
    plan = state.plan
    for op in planned:
        op.placement = placed[op.id]
        op.expected_end_us = op.placement.end_us
    # The whole is planned anew: a short run is through by then, and not kept waiting.
    stale_us = plan.stale_us
    if stale_us is None:
        stale_us = state.now_us + plan.least_us(state.settings)
    state.plan = replace(
        plan,
        version=plan.version + 1,
        end_us=max(each.end_us for each in placed.values()),
        made_us=state.now_us,
        stale_us=stale_us,
        is_makeshift=True,
        # The run has come that a machine was kept free for.
        reservations=[
            each
            for each in plan.reservations
            if each.run or (each.workload, each.band) != (run.workload, run.band)
        ],
        planned={op.id: op for op in planned},
    )
    line_up(state)
