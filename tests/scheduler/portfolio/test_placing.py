"""Plans at once: inside a band the earliest due date goes first, and nothing else changes."""

from __future__ import annotations

import pytest

from scheduler.model.problem import Band, Problem
from scheduler.model.schedule import Limits, Schedule
from scheduler.portfolio import placer
from tests.builders import job, machine, operation, problem

HELD = ("heft", "cpop", "peft", "lookahead_heft", "dominant_sequence")


def placed(name: str, p: Problem) -> Schedule:
    result = placer(name)(p, Limits(time_s=1.0), 0)
    assert result.schedule is not None
    return result.schedule


def pages(*due_us: int | None, bands: tuple[Band, ...] = ()) -> Problem:
    """Jobs on one machine, each longer than the one before it, due as given."""
    count = len(due_us)
    bands = bands or (Band.NORMAL,) * count
    return problem(
        [operation(f"o{i}", job=f"j{i}", durations={"a": 10 + i}) for i in range(count)],
        machines=[machine("a")],
        jobs=[job(f"j{i}", due_us=due_us[i], band=bands[i]) for i in range(count)],
    )


@pytest.mark.parametrize("name", HELD)
def test_the_nearest_deadline_goes_first_whenever_it_came(name: str) -> None:
    found = placed(name, pages(30, 11, None))
    assert sorted(("o0", "o1", "o2"), key=lambda o: found[o].start_us) == ["o1", "o0", "o2"]


def test_without_deadlines_the_longest_path_goes_first() -> None:
    found = placed("heft", pages(None, None, None))
    assert sorted(("o0", "o1", "o2"), key=lambda o: found[o].start_us) == ["o2", "o1", "o0"]


def test_a_deadline_moves_nothing_ahead_of_a_more_urgent_band() -> None:
    found = placed("heft", pages(5, None, bands=(Band.NORMAL, Band.HIGH)))
    assert found["o1"].start_us == 0


def test_what_has_much_to_follow_is_due_before_its_job_is() -> None:
    # b is due 1 later than c, and 20 units of its own follow its first operation.
    ops = [
        operation("b1", job="b", durations={"a": 5}),
        operation("b2", job="b", durations={"other": 20}),
        operation("c1", job="c", durations={"a": 5}),
    ]
    p = problem(
        ops,
        machines=[machine("a", device="one"), machine("other", device="one")],
        edges=[("b1", "b2", 0)],
        jobs=[job("b", due_us=26), job("c", due_us=25)],
    )
    found = placed("heft", p)
    assert (found["b1"].start_us, found["c1"].start_us) == (0, 5)


def test_what_runtimes_do_today_knows_no_deadlines() -> None:
    found = placed("fastest_machine", pages(30, 11))
    assert found["o0"].start_us == 0
