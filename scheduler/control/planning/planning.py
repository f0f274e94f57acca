"""From a snapshot to the plan in force: solve, verify, translate into absolute times."""

from __future__ import annotations

from collections.abc import Container, Iterable

from scheduler.control.forecast.deadlines import Ends, joined_us, spread_us
from scheduler.control.forecast.loads import foresee
from scheduler.control.planning.choices import choice_of, current_choice
from scheduler.control.planning.decoding import decode, fastest_modes, is_better, overtakes
from scheduler.control.planning.explaining import why_waiting
from scheduler.control.planning.reservations import (
    note_waiting,
    reserve,
    reserve_in_flight,
    spares_urgent,
)
from scheduler.control.planning.snapshot import Snapshot, session_times_us, take_snapshot
from scheduler.control.records import OperationState
from scheduler.control.state.expansion import top_up
from scheduler.control.state.graph import gathers_unknown
from scheduler.control.state.operations import LiveOperation, LiveRun, Placement
from scheduler.control.state.plan import LivePlan
from scheduler.control.state.state import State, Turn
from scheduler.control.state.transitions import retracted
from scheduler.model.bounds import lower_bound
from scheduler.model.checker import check
from scheduler.model.messages import WorkKind
from scheduler.model.problem import Band
from scheduler.model.schedule import Limits, Schedule

_LIMITS = Limits(time_s=1.0)
"""For the heuristic that places at once; those in use are single passes that never get near."""


def replan(state: State, turn: Turn) -> None:
    """Plan all pending work again and make that the plan in force."""
    _top_up(state)
    foresee(state)
    state.plan.reservations = []
    snapshot = take_snapshot(state)
    if raise_waited_profiles(state, snapshot):
        snapshot = take_snapshot(state)
    # After the bands are settled: a profile that nobody waits for any more may have to keep clear.
    if retract_unplannable(state, turn, snapshot):
        snapshot = take_snapshot(state)
    schedule, source = _best(state, snapshot)
    commit(state, turn, *_with_reservations(state, snapshot, schedule, source))
    if any(not kept.run for kept in state.plan.reservations):
        state.plan.enough_us = note_waiting(state, snapshot, schedule)
    _note_blocked(state, turn, snapshot)
    state.count("replans")


def _top_up(state: State) -> None:
    """Give operations to more items of long fan-outs, as far as the plan has room for them."""
    room = state.settings.plan_horizon_operations
    for run in state.index.by_urgency():
        before = run.unfinished
        fresh = top_up(state, run)
        state.operations.update({op.id: op for op in fresh})
        state.index.unfinished += run.unfinished - before
        room -= len(run.open)
        if room <= 0:
            return


def _best(state: State, snapshot: Snapshot) -> tuple[Schedule, str]:
    """The heuristic's plan, or the adopted one where that is better, and who made it."""
    schedule = solve(state, snapshot)
    kept = _carried_over(state, snapshot, schedule)
    return (kept, state.plan.source) if kept is not None else (schedule, state.placement)


def _with_reservations(
    state: State, snapshot: Snapshot, schedule: Schedule, source: str
) -> tuple[Snapshot, Schedule, str]:
    """Plan around the reservations for runs that are expected, if there are any."""
    state.plan.reservations = reserve(state, snapshot, schedule)
    if not any(kept.is_window for kept in state.plan.reservations):
        return snapshot, schedule, source
    around = take_snapshot(state)
    other, its_source = _best(state, around)
    if not spares_urgent(snapshot, state.plan.reservations, schedule, other):
        state.plan.reservations = [kept for kept in state.plan.reservations if not kept.is_window]
        return snapshot, schedule, source
    state.count("kept_free")
    return around, other, its_source


def bound_us(plan: LivePlan) -> int:
    """Absolute time before which no plan could end; 0 without a plan.

    Worked out when somebody looks: it takes as long as a good part of planning.
    """
    if plan.problem is None or not plan.problem.operations:
        return 0
    own_us = plan.origin_us + lower_bound(plan.problem)
    return min(max(own_us, plan.proven_us), plan.end_us)


def is_beyond_horizon(state: State, run: LiveRun) -> bool:
    """True if as much is planned as can be, all of it to come before the run."""
    plan = state.plan
    is_full = plan.left_out or len(plan.planned) >= state.settings.plan_horizon_operations
    return bool(is_full) and all(op.band <= run.effective_band for op in plan.planned.values())


def is_running_dry(state: State) -> bool:
    """True if the plan has room for half a horizon of the work that was left out of it."""
    plan = state.plan
    return bool(plan.left_out) and (
        len(plan.planned) <= state.settings.plan_horizon_operations // 2
    )


def count_overtaken(state: State, before: Container[str], run: str) -> int:
    """Number of operations that were planned before and are now behind a more urgent run's."""
    overtaken = 0
    for queue in state.plan.queues.values():
        ops = [state.operations[name] for name in queue]
        first = next((i for i, op in enumerate(ops) if op.run.id == run), len(ops))
        behind = ops[first + 1 :]
        overtaken += sum(op.band > ops[first].band and op.id in before for op in behind)
    return overtaken


def solve(state: State, snapshot: Snapshot) -> Schedule:
    """Place everything with the heuristic of the policy; the answer is verified."""
    problem = snapshot.problem
    if not snapshot.planned:
        return decode(problem, {}, {})
    result = state.solvers[state.placement](problem, _LIMITS, 0)
    if result.schedule is not None and not check(problem, result.schedule):
        if not overtakes(problem, result.schedule):
            return result.schedule
        return decode(problem, *choice_of(problem, result.schedule))
    state.count("heuristic_refused")
    order = {op.id: i for i, op in enumerate(problem.topological_order())}
    return decode(problem, fastest_modes(problem), order)


def raise_waited_profiles(state: State, snapshot: Snapshot) -> bool:
    """Let profiles that somebody waits for compete with normal work, and no others."""
    awaited = {
        op.stage.digest
        for op in snapshot.blocked
        if op.stage.kind is WorkKind.MODEL and not snapshot.options[op.id].modes
    }
    changed = False
    for run in state.index.profiles.values():
        if not run.is_extra:
            digest = next(iter(run.operations.values())).stage.digest
            band = Band.NORMAL if digest in awaited else run.band
            changed |= band != run.effective_band
            state.index.set_band(run, band)
    return changed


def retract_unplannable(state: State, turn: Turn, snapshot: Snapshot) -> bool:
    """Take back operations that were sent and cannot run there any more, or would wait for ever."""
    sent = [op for op in snapshot.blocked if op.state is OperationState.DISPATCHED]
    for op in sent:
        retracted(state, turn, op)
    return bool(sent)


def commit(state: State, turn: Turn, snapshot: Snapshot, schedule: Schedule, source: str) -> None:
    """Make a schedule the plan in force."""
    for op in snapshot.blocked:
        op.placement = None
    placements = absolute(state, snapshot, schedule)
    for op in snapshot.planned:
        op.placement = placements[op.id]
        op.expected_end_us = op.placement.end_us
    for op in snapshot.running:
        op.expected_end_us = snapshot.origin_us + schedule[op.id].end_us
    state.plan = LivePlan(
        version=state.plan.version + 1,
        source=source,
        end_us=snapshot.origin_us + schedule.makespan_us,
        problem=snapshot.problem,
        origin_us=snapshot.origin_us,
        planned={op.id: op for op in snapshot.planned},
        left_out=snapshot.left_out,
        made_us=state.now_us,
        reservations=state.plan.reservations,
    )
    line_up(state)
    turn.replanned = True


def absolute(state: State, snapshot: Snapshot, schedule: Schedule) -> dict[str, Placement]:
    """Placements in absolute times, with the spread of each end carried along the planned order."""
    ends = Ends()
    for op in snapshot.running:
        assert op.mode is not None
        ends.add(op.id, op.machine, snapshot.origin_us + schedule[op.id].end_us, spread_us(op.mode))
    placements: dict[str, Placement] = {}
    machines = {op.id: op.machine for op in snapshot.running}
    loads = session_times_us(snapshot, schedule)
    for op in sorted(snapshot.planned, key=lambda op: schedule[op.id].start_us):
        at = schedule[op.id]
        choice = snapshot.options[op.id]
        mode = choice.modes[at.mode]
        end_us = snapshot.origin_us + at.end_us
        spread = joined_us(ends.before(op.unmet, at.machine), spread_us(mode))
        ends.add(op.id, at.machine, end_us, spread)
        load_us = loads.get(op.id, 0)
        placements[op.id] = Placement(
            mode=mode,
            provenance=choice.provenance[at.mode],
            start_us=snapshot.origin_us + at.start_us - load_us,
            end_us=end_us,
            load_us=load_us,
            transfer_us=_transfer_us(state, op, machines, at.machine),
            spread_us=spread,
        )
        machines[op.id] = at.machine
    return placements


def _carried_over(state: State, snapshot: Snapshot, fresh: Schedule) -> Schedule | None:
    """Give the adopted plan of a solver, carried over to now, where it beats the heuristic's."""
    if not state.improve or state.plan.source in ("", state.placement) or not snapshot.planned:
        return None
    kept = decode(snapshot.problem, *current_choice(snapshot, fresh))
    usable = is_better(snapshot.problem, kept, fresh) and not check(snapshot.problem, kept)
    return kept if usable else None


def _transfer_us(state: State, op: LiveOperation, machines: dict[str, str], machine: str) -> int:
    box = state.machines[machine].box
    return max(
        (
            state.links.transfer_us(state.machines[machines[edge.source]].box, box, edge.size_bytes)
            for edge in op.unmet.values()
            if edge.source in machines
        ),
        default=0,
    )


def _note_blocked(state: State, turn: Turn, snapshot: Snapshot) -> None:
    """Record the runs that begin or cease to be blocked, or wait for something else now."""
    runs = {op.run.id: op.run for op in snapshot.blocked}
    blocked = {name: why_waiting(state, run)[1] for name, run in runs.items()}
    for name in blocked | state.blocked_runs:
        if blocked.get(name) != state.blocked_runs.get(name):
            turn.runs[name] = None
    state.blocked_runs = blocked


def line_up(state: State) -> None:
    """Set the queues of work that is certain, and the reservations for work that is not."""
    plan = state.plan
    plan.queues, expected = _lined_up(plan.planned.values())
    streams = (kept for kept in plan.reservations if not kept.run)
    plan.reservations = [*streams, *reserve_in_flight(expected, state.settings)]


def _lined_up(
    planned: Iterable[LiveOperation],
) -> tuple[dict[str, list[str]], list[LiveOperation]]:
    """Queues of the operations that are certain, in the order of the plan; and all the rest."""
    uncertain: dict[str, LiveOperation] = {}
    queues: dict[str, list[str]] = {}
    for op in sorted(planned, key=_start_us):
        is_expected = op.state is OperationState.EXPECTED or gathers_unknown(op)
        if is_expected or any(name in uncertain for name in op.unmet):
            uncertain[op.id] = op
        elif op.placement is not None:
            queues.setdefault(op.placement.mode.machine, []).append(op.id)
    return queues, list(uncertain.values())


def _start_us(op: LiveOperation) -> int:
    assert op.placement is not None
    return op.placement.start_us
