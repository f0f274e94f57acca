"""Better plans from the solver process: asked for, verified against the present, adopted."""

from __future__ import annotations

from itertools import islice

from scheduler.control.commands import KeepPlan, RequestPlan
from scheduler.control.events import PlanProposed
from scheduler.control.planning.choices import (
    choice_of,
    current_choice,
    has_choice,
    in_force,
    mode_index,
    ranks,
)
from scheduler.control.planning.decoding import decode, gains, overtakes
from scheduler.control.planning.planning import commit, solve
from scheduler.control.planning.snapshot import Snapshot, take_snapshot
from scheduler.control.records import OperationState
from scheduler.control.records.plans import PlanFate, PlanRecord
from scheduler.control.state.operations import PENDING
from scheduler.control.state.plan import PlanRequest
from scheduler.control.state.state import State, Turn
from scheduler.model.checker import check
from scheduler.model.schedule import Schedule

_ANSWER_WITHIN_US = 60_000_000
"""A request that is older was lost with its solver process; it no longer holds up the next."""


def request(state: State, turn: Turn) -> None:
    """Ask for a better plan if there is enough to gain and no question is open."""
    if not _worth_asking(state):
        return
    snapshot = take_snapshot(state)
    version = state.plan.version
    state.request = PlanRequest(
        version=version,
        at_us=state.now_us,
        origin_us=snapshot.origin_us,
        problem=snapshot.problem,
        end_us=state.plan.end_us,
    )
    plan = in_force(snapshot)
    turn.commands.append(RequestPlan(version=version, problem=snapshot.problem, plan=plan))


def proposed(state: State, turn: Turn, event: PlanProposed) -> None:
    """Adopt an answer if, brought up to the present, it beats the plan in force.

    The fate of each proposal is kept in history.
    """
    asked, before = state.request, state.plan.version
    if asked is None or asked.version != event.version:
        state.count("plans_dropped")
        return
    _judge(state, turn, asked, event)
    if event.schedule is not None:
        is_adopted = state.plan.version != before
        plan = _plan_record(state, asked, event, event.schedule, is_adopted=is_adopted)
        turn.commands.append(KeepPlan(plan=plan))


def _plan_record(
    state: State, asked: PlanRequest, event: PlanProposed, schedule: Schedule, *, is_adopted: bool
) -> PlanRecord:
    end_us = state.plan.end_us if is_adopted else asked.origin_us + schedule.makespan_us
    bound_us = 0 if event.bound_us is None else asked.origin_us + event.bound_us - state.now_us
    return PlanRecord(
        at_us=state.now_us,
        version=state.plan.version,
        source=event.solver,
        verdict=PlanFate.ACCEPTED if is_adopted else PlanFate.DROPPED,
        makespan_us=max(0, end_us - state.now_us),
        bound_us=max(0, bound_us),
    )


def _judge(state: State, turn: Turn, asked: PlanRequest, event: PlanProposed) -> None:
    state.request = None
    state.ask_from_us = _rested_us(state, asked, event)
    state.answered_version = state.plan.version
    if event.schedule is None:
        state.count("plans_unanswered")
        return
    snapshot = take_snapshot(state)
    if not snapshot.planned or any(
        op.state is OperationState.DISPATCHED for op in snapshot.blocked
    ):
        state.count("plans_dropped")
        return
    now = decode(snapshot.problem, *current_choice(snapshot, _fallback(state, snapshot)))
    better = _carried_over(snapshot, asked, event.schedule, now)
    if not _is_acceptable(state, snapshot, better, now):
        state.count("plans_proven_good" if _is_proven(state, asked, event) else "plans_dropped")
        return
    commit(state, turn, snapshot, better, event.solver)
    if event.bound_us is not None:
        state.plan.proven_us = asked.origin_us + event.bound_us
    state.count("plans_accepted")
    state.answered_version = state.plan.version


def _rested_us(state: State, asked: PlanRequest, event: PlanProposed) -> int:
    """Time from which the next question may follow: searches take a share of the time, not all."""
    settings, took_us = state.settings, state.now_us - asked.at_us
    shortest_us, longest_us = settings.improve_rest_us
    if event.schedule is None:  # its process is being started
        return state.now_us + longest_us
    return state.now_us + min(longest_us, max(shortest_us, round(settings.improve_rest * took_us)))


def _worth_asking(state: State) -> bool:
    plan, settings = state.plan, state.settings
    if not state.improve or plan.version == state.answered_version or plan.is_makeshift:
        return False
    if state.now_us < state.ask_from_us:
        return False
    if state.request is not None and state.now_us - state.request.at_us < _ANSWER_WITHIN_US:
        return False
    if plan.end_us - state.now_us <= settings.improve_makespan_us:
        return False
    waiting = (op for op in plan.planned.values() if op.state is not OperationState.DISPATCHED)
    # Asked with each event, of plans of hundreds of operations: those beyond are not counted.
    enough = islice(waiting, settings.improve_operations)
    return sum(1 for _ in enough) == settings.improve_operations


def _fallback(state: State, snapshot: Snapshot) -> Schedule:
    """For operations that the plan in force does not place; there are none as a rule."""
    if all(has_choice(snapshot, op) for op in snapshot.planned):
        return Schedule(assignments=())
    return solve(state, snapshot)


def _carried_over(
    snapshot: Snapshot, asked: PlanRequest, proposal: Schedule, now: Schedule
) -> Schedule:
    """Schedule of now with the modes and the order of the proposal, wherever they still apply."""
    modes, _ = choice_of(snapshot.problem, now)
    starts: dict[str, int] = {}
    known = {op.id for op in asked.problem.operations}
    for op in snapshot.planned:
        starts[op.id] = now[op.id].start_us + snapshot.origin_us
        if op.id not in known or op.id not in proposal or op.state not in PENDING:
            continue
        at = proposal[op.id]
        starts[op.id] = at.start_us + asked.origin_us
        offered = asked.problem.operation(op.id).modes
        if not 0 <= at.mode < len(offered):
            continue
        mode = offered[at.mode]
        index = mode_index(snapshot, op, (mode.machine, mode.provider, mode.variant))
        if index is not None:
            modes[op.id] = index
    return decode(
        snapshot.problem, modes, ranks(open_ops_ids=list(starts), start=starts.__getitem__)
    )


def _is_proven(state: State, asked: PlanRequest, event: PlanProposed) -> bool:
    """True if no plan could have been better than the one that was in force, by enough to count."""
    if event.bound_us is None:
        return False
    gap_us = asked.end_us - (asked.origin_us + event.bound_us)
    return gap_us <= state.settings.improve_share * (asked.end_us - asked.at_us)


def _is_acceptable(state: State, snapshot: Snapshot, better: Schedule, now: Schedule) -> bool:
    problem = snapshot.problem
    if not gains(problem, better, now, share=state.settings.improve_share):
        return False
    return not check(problem, better) and not overtakes(problem, better)
