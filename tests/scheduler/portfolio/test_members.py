"""Members of a search, by its limits."""

from __future__ import annotations

from random import Random

import pytest

from scheduler.adversary import shaped
from scheduler.model.errors import InvalidInput
from scheduler.model.objectives import Objective
from scheduler.portfolio import members
from scheduler.portfolio.members import (
    constructive,
    expect_suited,
    has_time,
    lanes,
    look_ahead_steps,
)
from scheduler.solvers.search import Search
from scheduler.solvers.translating import arrays


def fork(tasks: int) -> Search:
    return Search(arrays(shaped("fork", tasks, 8, Random(1)).problem()), lambda: 0.0)


def test_look_ahead_runs_early_where_it_is_quick() -> None:
    assert constructive(fork(10).form, "auto")[3] == "lookahead_heft"
    assert has_time(fork(10).part(work=1e5), "lookahead_heft")


def test_look_ahead_is_left_out_where_it_takes_longer_than_there_is() -> None:
    assert not has_time(fork(100).part(work=1e4), "lookahead_heft")
    assert not has_time(fork(100).part(time_s=1e-4), "lookahead_heft")
    assert has_time(fork(100), "lookahead_heft")


def test_look_ahead_takes_as_long_as_all_inputs_of_all_targets() -> None:
    few, many = look_ahead_steps(fork(20).form), look_ahead_steps(fork(200).form)
    assert many > 10 * few


def test_others_are_always_quick_enough() -> None:
    assert has_time(fork(100).part(work=0), "min_min")


def test_sums_over_jobs_are_searched_on_the_graph() -> None:
    rows = lanes(fork(10).form, "auto", Objective.WEIGHTED_COMPLETION, 1, has_plan=True)
    assert rows[0][0].name == "tabu_search"


def test_graphs_with_more_tails_than_there_is_room_for_are_left_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(members, "MOST_TAILS", 9)
    form = fork(10).form
    rows = lanes(form, "auto", Objective.WEIGHTED_COMPLETION, 1, has_plan=True)
    assert "tabu_search" not in [member.name for member in rows[0]]
    with pytest.raises(InvalidInput, match="pairs of operation and job"):
        expect_suited(form, "tabu_search", Objective.WEIGHTED_COMPLETION)
    expect_suited(form, "tabu_search", Objective.MAKESPAN)
