"""Refusals: the laws that keep a kind of work from running in a place."""

from __future__ import annotations

from fnmatch import fnmatchcase

from scheduler.control.records import Candidate, Reason
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.queries import subject_of
from scheduler.control.state.state import State
from scheduler.model.messages import ProviderReport, Verdict


def refusal_of(
    state: State,
    op: LiveOperation,
    machine: LiveMachine,
    provider: str,
    report: ProviderReport | None,
) -> tuple[Reason | None, str]:
    """First law that keeps the work from running there, with the detail of the breach."""
    if report is None:
        if op.stage.target not in machine.report.functions:
            return Reason.NO_FUNCTION, f"does not run {op.stage.target}"
    elif report.verdict is not Verdict.USABLE:
        return Reason.PROVIDER_UNUSABLE, report.reason or report.verdict.value
    ruled = _ruled_out(op, machine.report.id, provider)
    if ruled[0] is not None:
        return ruled
    profile = state.profiles.get((subject_of(state, op.stage), machine.report.id, provider))
    if profile is not None and profile.verdict is not Verdict.USABLE:
        return Reason.REFUSED, profile.reason or profile.verdict.value
    # Absence comes first: a machine that is not there will not be measured either.
    absent = absence_of(state, machine)
    if absent[0] is None and report is not None and profile is None:
        return Reason.NOT_PROFILED, f"{op.stage.target} was not measured there yet"
    return absent


def _ruled_out(op: LiveOperation, machine: str, provider: str) -> tuple[Reason | None, str]:
    names = (machine, f"{machine}:{provider}")
    for pattern in op.run.forbid:
        if any(fnmatchcase(name, pattern) for name in names):
            return Reason.FORBIDDEN, f"forbidden by {pattern}"
    allow = op.run.allow
    if allow and not any(fnmatchcase(name, pattern) for pattern in allow for name in names):
        return Reason.NOT_ALLOWED, f"not among {', '.join(allow)}"
    return None, ""


def absence_of(state: State, machine: LiveMachine) -> tuple[Reason | None, str]:
    """The reason that a machine takes no work at all now, with its detail; ``None`` if it does."""
    agent = state.agents[machine.agent]
    if not agent.is_alive:
        return Reason.NOT_CONNECTED, f"agent {agent.id} is lost"
    if agent.is_draining:
        return Reason.DRAINING, f"agent {agent.id} takes nothing new"
    if not machine.is_up:
        return Reason.MACHINE_DOWN, machine.reason
    if machine.report.id in state.suspicions.of:
        return Reason.SUSPECTED, "does not answer in time"
    return None, ""


def refused_as(machine: str, provider: str, reason: Reason, detail: str) -> Candidate:
    """Make the candidate that stands for a place which is refused."""
    return Candidate(machine=machine, provider=provider, reason=reason, detail=detail)
