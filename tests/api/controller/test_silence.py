from __future__ import annotations

from api.controller.silence import Silence

JOINED = {"a": "1", "b": "1"}


def silence() -> Silence:
    return Silence(period_s=1.0, misses=2, grace_s=3.0)


def test_agent_is_lost_once_it_was_away_often_enough_in_a_row() -> None:
    looks = silence()
    assert looks.look(0.0, JOINED, {"a": "1"}) == []
    assert looks.look(1.0, JOINED, {"a": "1"}) == [("b", "1")]
    assert looks.look(2.0, JOINED, {"a": "1"}) == []


def test_agent_that_came_back_is_counted_anew() -> None:
    looks = silence()
    looks.look(0.0, JOINED, {})
    assert looks.look(1.0, JOINED, JOINED) == []
    assert looks.look(2.0, JOINED, {"b": "1"}) == []
    assert looks.look(3.0, JOINED, {"b": "1"}) == [("a", "1")]


def test_nobody_is_lost_until_agents_had_time_after_the_store_was_away() -> None:
    looks = silence()
    looks.look(0.0, JOINED, {})
    looks.slept(1.0)
    assert [looks.look(at_s, JOINED, {}) for at_s in (2.0, 3.0, 4.0)] == [[], [], []]
    assert looks.look(5.0, JOINED, {"a": "1"}) == [("b", "1")]


def test_look_that_comes_far_too_late_means_that_this_side_slept() -> None:
    looks = silence()
    looks.look(0.0, JOINED, {})
    assert looks.look(15.0, JOINED, {}) == []
    assert looks.look(16.0, JOINED, {}) == []
    assert looks.look(17.0, JOINED, JOINED) == []
