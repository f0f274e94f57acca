"""Members side by side and by turns, with solvers that only note when they worked."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Event, Timer

import numpy as np
import pytest

from scheduler.model.errors import Defect
from scheduler.portfolio.lanes import TURN_WORK, Failure, Member, raise_if_lost, run
from scheduler.solvers import registry
from scheduler.solvers.arrays import Solution
from scheduler.solvers.registry import Searcher
from scheduler.solvers.search import Search
from scheduler.solvers.translating import arrays
from tests.builders import chain

SLICE = TURN_WORK / 4


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch, notes: list[str]) -> Callable[..., list[Member]]:
    """Members of a lane from solvers of the test."""

    def make(**solvers: Searcher) -> list[Member]:
        monkeypatch.setattr(registry, "solver", solvers.__getitem__)
        return [Member(name) for name in solvers]

    return make


def working(notes: list[str], name: str, slices: int = 1_000_000) -> Searcher:
    """A solver that does so many slices of work, unless it is told to stop."""

    def work(search: Search, seed: int) -> None:
        for _ in range(slices):
            notes.append(name)
            if not search.spend(SLICE):
                break

    return work


def breaking(search: Search, seed: int) -> None:
    raise ZeroDivisionError


def new_search(*, time_s: float = math.inf, work: float = math.inf) -> Search:
    return Search(arrays(chain(3, 4)), time.monotonic, time_s=time_s, work=work)


def test_members_of_a_lane_work_by_turns_of_equal_work(
    notes: list[str], members: Callable[..., list[Member]]
) -> None:
    lane = members(a=working(notes, "a"), b=working(notes, "b"))
    run(new_search(work=3 * TURN_WORK), [lane], 0)
    assert "".join(notes) == "aaaa" + "bbbb" + "aaaa"


def test_who_is_done_leaves_its_turns_to_the_others(
    notes: list[str], members: Callable[..., list[Member]]
) -> None:
    lane = members(a=working(notes, "a", 2), b=working(notes, "b", 9), c=working(notes, "c", 3))
    assert not run(new_search(), [lane], 0)
    assert "".join(notes) == "aa" + "bbbb" + "ccc" + "bbbbb"


def test_lanes_end_when_the_time_is_over(
    notes: list[str], members: Callable[..., list[Member]]
) -> None:
    def wait(search: Search, seed: int) -> None:
        while search.spend():
            time.sleep(0.001)

    (one, other) = members(a=wait, b=wait)
    search = new_search(time_s=0.05)
    run(search, [[one], [other]], 0)
    assert search.stop_flag[0]


def test_cancelling_ends_all_members(members: Callable[..., list[Member]]) -> None:
    def wait(search: Search, seed: int) -> None:
        while not search.stop_flag[0]:
            time.sleep(0.001)

    lane = members(a=wait, b=wait)
    search = new_search()
    Timer(0.02, search.cancel).start()
    run(search, [lane], 0)
    assert search.cancelled


def test_who_does_not_look_up_when_cancelled_is_not_heard_any_more(
    members: Callable[..., list[Member]],
) -> None:
    answered, spoken = Event(), Event()

    def deaf(search: Search, seed: int) -> None:
        search.cancel()
        answered.wait(5)
        search.offer(Solution(search.form.mode_first[:-1], search.form.earliest_us), "deaf")
        search.raise_bound(7)
        search.refute()
        spoken.set()

    search = new_search()
    run(search, [members(deaf=deaf)], 0)
    answered.set()
    assert spoken.wait(5)
    assert (search.best, search.bound, search.infeasible) == (None, None, False)


def test_a_proof_of_one_ends_the_others(
    notes: list[str], members: Callable[..., list[Member]]
) -> None:
    def prove(search: Search, seed: int) -> None:
        form = search.form
        search.offer(Solution(form.mode_first[:-1], form.earliest_us + np.array([0, 3])), "prove")
        search.raise_bound(7)

    lane = members(a=prove, b=working(notes, "b"))
    search = new_search()
    run(search, [lane], 0)
    assert search.proven
    assert not notes


def test_a_member_that_breaks_costs_the_others_nothing(
    notes: list[str], members: Callable[..., list[Member]]
) -> None:
    lane = members(a=breaking, b=working(notes, "b", 3))
    (failure,) = run(new_search(), [lane], 0)
    assert str(failure) == "a: ZeroDivisionError()"
    assert notes == ["b", "b", "b"]


def test_what_broke_is_raised_if_nothing_else_is_left() -> None:
    with pytest.raises(Defect, match="every solver failed; the first was a: ZeroDivisionError"):
        raise_if_lost(new_search(), [Failure("a", ZeroDivisionError())])
