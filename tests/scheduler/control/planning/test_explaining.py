"""Candidates are judged by their own figures in the table, also after a change of mind."""

from __future__ import annotations

import pytest

from scheduler.control.planning.explaining import Timetable, candidates, chosen_instead
from scheduler.control.records import Candidate, Reason
from scheduler.model.problem import Mode
from tests.scheduler.site import added, agent_joined, single, submitted
from tests.scheduler.watched import Watched, dispatch_of, finish, start


def sent(lanes: int) -> Watched:
    brain = Watched()
    brain.feed(agent_joined("a", lanes=lanes), added(single()), submitted("r", at_us=0))
    return brain


def test_candidate_that_would_finish_at_the_same_time_is_not_said_to_be_later() -> None:
    brain = sent(2)
    op = brain.state.operations["r/only"]
    chosen, other = candidates(brain.state, Timetable(brain.state), op)
    assert (chosen.reason, other.reason) == (None, Reason.SAME_FINISH)
    assert chosen.finish_us == other.finish_us


@pytest.mark.parametrize(
    ("finish_us", "reasons"),
    [
        (30, [Reason.WORSE_PLAN, Reason.WORSE_PLAN, Reason.NOT_PROFILED]),
        (15, [Reason.WORSE_PLAN, Reason.LATER_FINISH, Reason.NOT_PROFILED]),
        (10, [Reason.SAME_FINISH, Reason.LATER_FINISH, Reason.NOT_PROFILED]),
        (5, [Reason.LATER_FINISH, Reason.LATER_FINISH, Reason.NOT_PROFILED]),
    ],
)
def test_all_are_judged_against_the_one_that_was_chosen_instead(
    finish_us: int, reasons: list[Reason]
) -> None:
    op = sent(1).state.operations["r/only"]
    op.candidates = (
        Candidate(machine="a", provider="cpu", finish_us=10),
        Candidate(machine="b", provider="cpu", finish_us=20, reason=Reason.LATER_FINISH),
        Candidate(machine="c", provider="cpu", finish_us=40, reason=Reason.LATER_FINISH),
        Candidate(machine="d", provider="cpu", reason=Reason.NOT_PROFILED),
    )
    found = chosen_instead(op, Mode(machine="c", provider="cpu", duration_us=1), finish_us)
    assert (found[0].machine, found[0].reason, found[0].finish_us) == ("c", None, finish_us)
    assert [candidate.reason for candidate in found[1:]] == reasons


def test_what_a_queued_run_waits_for_names_no_operation_that_may_have_ended_since() -> None:
    brain = sent(1)
    ahead = dispatch_of(brain.commands[-1], "r/only")
    brain.feed(start(ahead, 1), submitted("next", at_us=2))
    while_it_runs = brain.run("next").detail
    brain.handle(finish(ahead, 10_001))
    assert while_it_runs == brain.run("next").detail == "waits its turn on a/cpu0"
