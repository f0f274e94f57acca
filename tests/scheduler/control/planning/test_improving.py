"""Better plans: asked for when there is something to gain, adopted only if they are better now."""

from __future__ import annotations

import pytest

from scheduler.control.brain import BrainSettings
from scheduler.control.commands import RequestPlan
from scheduler.control.events import ControllerStarted, PlanProposed, PolicyChanged, RunCancelled
from scheduler.control.planning.decoding import decode, gains, is_better, overtakes
from scheduler.model.checker import check
from scheduler.model.problem import Band, Problem, Progress
from scheduler.model.schedule import Assignment, Limits, Schedule
from scheduler.portfolio import placer
from tests import builders
from tests.scheduler.site import added, agent_joined, fan, single, submitted
from tests.scheduler.watched import Watched, dispatches, finish, plans, requests, start


@pytest.fixture
def brain() -> Watched:
    """Two lanes, and a placement policy that leaves one of them idle."""
    watched = Watched(BrainSettings(improve_rest_us=(0, 0)))
    watched.feed(ControllerStarted(at_us=0, epoch=1), agent_joined(lanes=2))
    watched.feed(added(single()), added(fan()))
    watched.handle(PolicyChanged(at_us=0, placement="fastest_machine"))
    return watched


def ask(brain: Watched, runs: int = 30) -> RequestPlan:
    told = brain.feed(*(submitted(f"r-{i}", at_us=100) for i in range(runs)))
    (request,) = requests(told)
    return request


def answer(brain: Watched, request: RequestPlan, at_us: int = 200) -> PlanProposed:
    """Answer of a solver process once everything was submitted."""
    result = placer("heft")(request.problem, Limits(), 0)
    return PlanProposed(
        at_us=at_us,
        version=request.version,
        solver="cp_sat",
        schedule=result.schedule,
        bound_us=result.bound,
    )


def test_one_question_is_open_at_a_time_and_asked_again_after_the_answer(brain: Watched) -> None:
    request = ask(brain)
    told = brain.handle(answer(brain, request))
    (again,) = requests(brain.handle(submitted("r-x", at_us=300))) or requests(told)
    assert again.version > request.version


def test_better_plan_is_adopted_and_sent(brain: Watched) -> None:
    first = ask(brain)
    silent = PlanProposed(at_us=150, version=first.version, solver="cp_sat", schedule=None)
    (request,) = requests(brain.handle(silent)) or requests(
        brain.handle(submitted("r-x", at_us=160))
    )
    before_us = brain.state.plan.end_us
    told = brain.handle(answer(brain, request))
    assert brain.state.counters["plans_accepted"] == 1
    assert brain.state.plan.end_us < before_us
    view = brain.view(200)
    assert view.plan_source == "cp_sat"
    assert 0 < view.bound_us <= view.planned_makespan_us
    assert {d.machine for d in dispatches(told)} == {"a/cpu0", "a/cpu1"}


def test_adopted_plan_is_carried_over_when_all_is_planned_again(brain: Watched) -> None:
    test_better_plan_is_adopted_and_sent(brain)
    brain.handle(submitted("r-y", at_us=400))
    assert brain.state.plan.source == "cp_sat"
    brain.handle(PolicyChanged(at_us=500, placement="fastest_machine", improve=False))
    assert brain.state.plan.source == "fastest_machine"


def test_plan_that_is_no_better_is_dropped(brain: Watched) -> None:
    request = ask(brain)
    problem = request.problem
    same = placer("fastest_machine")(problem, Limits(), 0).schedule
    brain.handle(PlanProposed(at_us=200, version=request.version, solver="cp_sat", schedule=same))
    assert brain.state.counters["plans_dropped"] == 1
    assert brain.state.plan.source == "fastest_machine"


def test_plan_that_is_proven_to_be_as_good_as_any_is_counted_as_such(brain: Watched) -> None:
    request = ask(brain)
    result = placer("fastest_machine")(request.problem, Limits(), 0)
    assert result.schedule is not None
    end_us = result.schedule.makespan_us
    asked_us = request.problem.now_us
    for gap, counter in ((0.03, "plans_dropped"), (0.01, "plans_proven_good")):
        event = PlanProposed(
            at_us=200,
            version=request.version,
            solver="cp_sat",
            schedule=result.schedule,
            bound_us=end_us - round(gap * (end_us - asked_us)),
        )
        (request,) = requests(brain.handle(event)) or requests(
            brain.handle(submitted(f"r-{counter}", at_us=200))
        )
        assert brain.state.counters[counter] == 1
        result = placer("fastest_machine")(request.problem, Limits(), 0)
        assert result.schedule is not None
        end_us, asked_us = result.schedule.makespan_us, request.problem.now_us


def test_question_that_got_no_plan_is_counted(brain: Watched) -> None:
    request = ask(brain)
    brain.handle(PlanProposed(at_us=150, version=request.version, solver="", schedule=None))
    assert brain.state.counters["plans_unanswered"] == 1


def test_question_waits_as_long_as_the_one_before_it_took() -> None:
    brain = Watched()
    brain.feed(ControllerStarted(at_us=0, epoch=1), agent_joined(lanes=2))
    brain.feed(added(single()), added(fan()))
    request = ask(brain)
    assert not requests(brain.handle(answer(brain, request, at_us=50_100)))
    assert not requests(brain.handle(submitted("r-x", at_us=100_000)))
    assert requests(brain.handle(submitted("r-y", at_us=100_200)))


def test_question_after_one_without_a_plan_waits_for_the_process_to_start() -> None:
    brain = Watched()
    brain.feed(ControllerStarted(at_us=0, epoch=1), agent_joined(lanes=2), added(single()))
    request = ask(brain)
    silent = PlanProposed(at_us=200, version=request.version, solver="", schedule=None)
    assert not requests(brain.handle(silent))
    assert not requests(brain.handle(submitted("r-x", at_us=900_000)))
    assert requests(brain.handle(submitted("r-y", at_us=1_000_200)))


def two_lanes(*durations_us: int, due_us: int | None = None) -> Problem:
    """Independent operations, each as long on one machine as on the other."""
    return builders.problem(
        machines=[builders.machine("m0"), builders.machine("m1")],
        jobs=[builders.job(f"j{i}", due_us=due_us) for i in range(len(durations_us))],
        operations=[
            builders.operation(f"o{i}", job=f"j{i}", durations={"m0": us, "m1": us})
            for i, us in enumerate(durations_us)
        ],
    )


def in_order(problem: Problem, *modes: int) -> Schedule:
    return decode(
        problem,
        {f"o{i}": mode for i, mode in enumerate(modes)},
        {f"o{i}": i for i in range(len(modes))},
    )


def test_plan_counts_as_better_from_a_share_of_what_is_left() -> None:
    problem = two_lanes(50, 49, 1)
    old, new = in_order(problem, 0, 1, 0), in_order(problem, 0, 1, 1)  # 51 and 50: 1.96 %
    assert gains(problem, new, old, share=0.019)
    assert not gains(problem, new, old, share=0.02)


def test_plan_that_ends_as_early_counts_as_better_if_it_is_less_late() -> None:
    problem = two_lanes(10, 90, 100, due_us=20)
    short_first = in_order(problem, 0, 0, 1)
    long_first = decode(problem, {"o0": 0, "o1": 0, "o2": 1}, {"o0": 1, "o1": 0, "o2": 2})
    assert short_first.makespan_us == long_first.makespan_us
    assert gains(problem, short_first, long_first, share=0.02)
    assert not gains(problem, long_first, short_first, share=0.02)


def test_answer_to_a_question_that_is_not_open_is_dropped(brain: Watched) -> None:
    request = ask(brain)
    proposed = answer(brain, request)
    brain.handle(proposed)
    dropped = brain.state.counters.get("plans_dropped", 0)
    assert not plans(brain.handle(proposed))
    assert brain.state.counters["plans_dropped"] == dropped + 1


def test_answer_is_brought_up_to_a_present_that_has_moved_on(brain: Watched) -> None:
    request = ask(brain)
    sent = dispatches(c for commands in brain.commands for c in commands)
    first = sent[0]
    brain.feed(start(first, 110), finish(first, 10_110), RunCancelled(at_us=10_200, run="r-9"))
    brain.handle(answer(brain, request, at_us=10_300))
    assert "r-9/only" not in brain.state.plan.planned
    assert first.operation not in brain.state.plan.planned


def test_nonsense_from_the_solver_process_is_survived(brain: Watched) -> None:
    request = ask(brain)
    nonsense = Schedule(
        assignments=tuple(
            Assignment(operation=op.id, mode=7, machine="moon", start_us=-5, end_us=0)
            for op in request.problem.operations
        )
    )
    brain.handle(
        PlanProposed(at_us=200, version=request.version, solver="cp_sat", schedule=nonsense)
    )
    assert brain.state.plan.source == "fastest_machine"


def bands() -> Problem:
    """An urgent operation that could start now, and a short one that is not urgent."""
    return builders.problem(
        jobs=[
            builders.job("urgent", band=Band.CRITICAL),
            builders.job("other", band=Band.BACKGROUND),
        ],
        operations=[
            builders.operation("u", job="urgent", durations={"m0": 10}),
            builders.operation("o", job="other", durations={"m0": 5}),
        ],
    )


def test_decoding_puts_urgent_work_first_whatever_the_order_says() -> None:
    problem = bands()
    schedule = decode(problem, {"u": 0, "o": 0}, {"o": 0, "u": 1})
    assert (schedule["u"].start_us, schedule["o"].start_us) == (0, 10)
    assert not check(problem, schedule)
    assert not overtakes(problem, schedule)


def test_plan_that_makes_urgent_work_later_is_no_better_for_ending_earlier() -> None:
    problem = bands()
    urgent_first = decode(problem, {"u": 0, "o": 0}, {"u": 0, "o": 1})
    late = Schedule(
        assignments=(
            Assignment(operation="u", mode=0, machine="m0", start_us=2, end_us=12),
            Assignment(operation="o", mode=0, machine="m0", start_us=2, end_us=7),
        )
    )
    assert late.makespan_us < urgent_first.makespan_us
    assert not is_better(problem, late, urgent_first)


def test_decoding_waits_for_what_runs_through_a_window() -> None:
    problem = builders.problem(
        machines=[builders.machine("m0", unavailable=[(50, 60)])],
        jobs=[builders.job("running"), builders.job("late", release_us=70)],
        operations=[
            builders.operation(
                "r", job="running", durations={"m0": 100}, progress=Progress(mode=0, start_us=0)
            ),
            builders.operation("o", job="late", durations={"m0": 5}),
        ],
    )
    assert decode(problem, {"o": 0}, {"o": 0})["o"].start_us == 100
