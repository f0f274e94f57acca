"""Who takes part, by what there is to spend."""

from __future__ import annotations

from random import Random

from scheduler.adversary import shaped
from scheduler.portfolio.members import constructive, has_time, look_ahead_steps
from scheduler.solvers.arrays import arrays
from scheduler.solvers.search import Search


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
