"""The online controller: events in, commands out. It reads no clock and does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from scheduler.control.commands import Command
from scheduler.control.events import (
    CallsWanted,
    ControllerStarted,
    CostModelChanged,
    Event,
    GraphCounted,
    ModelAdded,
    ModelRemoved,
    PlanProposed,
    PolicyChanged,
    ProfileRequested,
    RunCancelled,
    RunSubmitted,
    Tick,
    WorkloadAdded,
    WorkloadRemoved,
)
from scheduler.control.forecast.costs import CostQuestion, cost_report, costs_beside
from scheduler.control.handlers import (
    calls,
    fleet,
    gaps,
    hopeless,
    links,
    profiling,
    recovery,
    reports,
    runs,
    suspecting,
)
from scheduler.control.outbox import views
from scheduler.control.outbox.dispatch import dispatch, resend_all
from scheduler.control.outbox.preview import preview
from scheduler.control.outbox.records import record_changed, run_record
from scheduler.control.outbox.wake import wake
from scheduler.control.planning import ageing, backfilling, improving, preemption
from scheduler.control.planning.inserting import insert
from scheduler.control.planning.planning import count_overtaken, is_running_dry, replan
from scheduler.control.planning.preemption import is_due
from scheduler.control.planning.promises import promise
from scheduler.control.records import Preview, ReplanReason, RunRecord, RunStory, SiteView
from scheduler.control.records.costs import CostReport, KnownCost
from scheduler.control.settings import BrainSettings
from scheduler.control.state.state import State, Turn
from scheduler.model.links import LinkMeasured
from scheduler.model.messages import (
    AgentDraining,
    AgentJoined,
    AgentLost,
    CallsReported,
    MachineDown,
    MachineUp,
    OperationFailed,
    OperationFinished,
    OperationStarted,
)
from scheduler.model.ports import DurationOracle, Solver
from scheduler.model.problem import Problem

__all__ = ["Brain", "BrainSettings"]

_Handler = Callable[[State, Turn, Any], None]


class Brain:
    """Decides for a site. The fold of its events; the same events give the same commands.

    Parameters
    ----------
    oracle
        Predicts durations. It belongs to this brain: its lessons come from the events.
    solvers
        Heuristics that place at once, by the name that `PolicyChanged` may give.
    """

    def __init__(
        self,
        *,
        oracle: DurationOracle,
        solvers: Mapping[str, Solver],
        settings: BrainSettings | None = None,
    ) -> None:
        settings = settings or BrainSettings()
        self.state = State(
            oracle=oracle, solvers=solvers, settings=settings, placement=settings.placement
        )

    def handle(self, event: Event) -> list[Command]:
        """Take in one event, and give the commands that follow from it."""
        state, turn = self.state, Turn()
        state.now_us = max(state.now_us, event.at_us)
        runs.expire(state, turn)
        if not isinstance(event, ControllerStarted):
            # Runs that ended while nobody was in office are recorded once before they are
            # forgotten.
            runs.forget(state, turn)
        _HANDLERS[type(event)](state, turn, event)
        suspecting.look(state, turn)
        ageing.look(state, turn)
        hopeless.give_up(state, turn)
        gaps.keep_clear_of_critical(state, turn)
        calls.look(state, turn)
        if turn.replan or turn.submitted or _why_now(state) is not None:
            _plan(state, turn)
        links.ask(state, turn)
        backfilling.note_held(state)
        dispatch(state, turn)
        record_changed(state, turn)
        improving.request(state, turn)
        due_us = (gaps.due_us(state), hopeless.due_us(state), state.leases.due_us())
        wake(state, turn, due_us)
        return turn.commands

    def preview(self, submission: RunSubmitted) -> tuple[Preview, Problem]:
        """Answer a dry run: the plan for a run, and the losses of others; changes nothing."""
        with _aside(self.state):
            return preview(self.state, submission)

    def view(self, at_us: int) -> SiteView:
        """Everything a dashboard needs, at one moment."""
        with _aside(self.state):
            return views.site_view(self.state, at_us)

    def costs(self, at_us: int) -> CostReport:
        """Predictions for all work everywhere, and how good they have been."""
        with _aside(self.state):
            return cost_report(self.state, at_us)

    def costs_beside(self, question: CostQuestion) -> tuple[KnownCost, ...]:
        """Predictions for work beside a load that somebody made up; changes nothing."""
        with _aside(self.state):
            return costs_beside(self.state, question)

    def critical_boxes(self) -> frozenset[str]:
        """Boxes that a critical run needs: nothing that nobody waits for goes on there."""
        return frozenset(gaps.critical_boxes(self.state))

    def record(self, run: str) -> RunRecord | None:
        """A run with all its operations, or ``None`` if it is not known or was forgotten."""
        live = self.state.runs.get(run)
        if live is None:
            return None
        with _aside(self.state):
            return run_record(self.state, live)

    def open_record(self, run: str) -> RunRecord | None:
        """A run with those of its operations that have not ended, each with its candidates.

        ``None`` if the run is not known, or was forgotten.
        """
        live = self.state.runs.get(run)
        if live is None:
            return None
        with _aside(self.state):
            return run_record(self.state, live, is_whole=False)

    def story(self, run: str) -> RunStory | None:
        """Tell the transitions of a run and of its operations, each with its cause.

        ``None`` if the run is not known, or ended so long ago that its operations were let go of:
        its story was given out when it ended (`KeepStory`).
        """
        live = self.state.runs.get(run)
        if live is None or not live.story.first:
            return None
        return live.story.told(run, live.submitted_us)

    def agents(self) -> dict[str, str]:
        """Incarnation of each agent that is joined and not lost."""
        agents = self.state.agents.values()
        return {agent.id: agent.incarnation for agent in agents if agent.is_alive}


@contextmanager
def _aside(state: State) -> Iterator[None]:
    """Answer a question: whoever folds the log does not know that it was asked."""
    options, state.options = state.options, dict(state.options)
    with state.oracle.aside():
        try:
            yield
        finally:
            state.options = options


def _controller_started(state: State, turn: Turn, event: ControllerStarted) -> None:
    if event.epoch <= state.epoch:
        return
    state.epoch = event.epoch
    state.request, state.answered_version = None, -1
    suspecting.be_patient(state)
    state.wake_us = None
    if event.says_again:
        runs.say_again(state, turn)
    resend_all(state, turn)


def _workload_added(state: State, _: Turn, event: WorkloadAdded) -> None:
    state.workloads[event.workload.key] = event.workload


def _workload_removed(state: State, turn: Turn, event: WorkloadRemoved) -> None:
    state.workloads.pop(event.key, None)
    for key in [key for key in state.arrivals if key[0] == event.key]:
        del state.arrivals[key]
    if any(each.workload == event.key for each in state.plan.reservations):
        turn.plan_again(ReplanReason.WORKLOAD)


def _policy_changed(state: State, turn: Turn, event: PolicyChanged) -> None:
    if event.placement in state.solvers:
        state.placement = event.placement
        # Work that is planned is planned anew by the new policy, not carried over.
        state.plan.source = event.placement
    state.improve = event.improve
    turn.plan_again(ReplanReason.POLICY)


def _cost_model_changed(state: State, turn: Turn, event: CostModelChanged) -> None:
    state.oracle.change_model(event.digest)
    state.options.clear()
    turn.plan_again(ReplanReason.COSTS)


def _tick(state: State, turn: Turn, event: Tick) -> None:
    suspecting.note_late(state, event.at_us)
    if state.wake_us is not None and event.at_us >= state.wake_us:
        state.wake_us = None
    if is_due(state):
        turn.plan_again(ReplanReason.IN_THE_WAY)
    if backfilling.is_over(state):
        turn.plan_again(ReplanReason.RESERVATION)
    gaps.fill(state, turn)


_HANDLERS: dict[type, _Handler] = {
    AgentJoined: fleet.joined,
    AgentDraining: fleet.draining,
    AgentLost: fleet.lost,
    MachineDown: fleet.machine_down,
    MachineUp: fleet.machine_up,
    LinkMeasured: links.measured,
    OperationStarted: reports.started,
    OperationFinished: reports.finished,
    OperationFailed: recovery.failed,
    ControllerStarted: _controller_started,
    ModelAdded: profiling.model_added,
    GraphCounted: profiling.graph_counted,
    ModelRemoved: profiling.model_removed,
    ProfileRequested: profiling.requested,
    WorkloadAdded: _workload_added,
    WorkloadRemoved: _workload_removed,
    RunSubmitted: runs.submit,
    RunCancelled: runs.cancel,
    CallsWanted: calls.wanted,
    CallsReported: calls.reported,
    PlanProposed: improving.proposed,
    PolicyChanged: _policy_changed,
    CostModelChanged: _cost_model_changed,
    Tick: _tick,
}


def _why_now(state: State) -> ReplanReason | None:
    """Reason to plan again by the plan in force itself; ``None`` if it can stay."""
    if state.plan.is_stale(state.now_us):
        return ReplanReason.OFF_PLAN
    return ReplanReason.ROOM if is_running_dry(state) else None


def _plan(state: State, turn: Turn) -> None:
    recovery.give_up_hopeless(state, turn)
    before, run = state.plan.planned, turn.submitted
    if not turn.replan and (run is None or not insert(state, turn, run)):
        turn.plan_again(_why_now(state) or ReplanReason.SUBMITTED)
    if turn.replan:
        replan(state, turn)
    while preemption.preempt(state, turn):
        replan(state, turn)
    hopeless.note(state)
    if run is not None:
        state.count("preemptions", count_overtaken(state, before, run.id))
    promise(state)
    for why in turn.reasons:
        state.count(f"replans_{why}")
