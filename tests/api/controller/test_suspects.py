from __future__ import annotations

from api.controller.suspects import PAGE, Suspects, after
from api.store import Trail


def test_who_left_in_order_leaves_nobody_under_suspicion() -> None:
    assert Suspects(None, ()).guilty() == []


def test_death_among_several_events_has_each_tried_alone() -> None:
    suspects = Suspects(after("0-1"), ["0-2", "0-3"])
    assert suspects.guilty() == []
    assert suspects.before("0-1") == Trail(start="0-1", count=PAGE)
    assert suspects.before("0-2") == Trail(start="0-2", count=1)
    assert suspects.before("0-3") == Trail(start="0-3", count=1)


def test_death_during_one_event_is_counted_against_it() -> None:
    suspects = Suspects(Trail(start="0-2", count=1), ["0-2"])
    assert suspects.guilty() == []
    assert suspects.before("0-2") == Trail(start="0-2", count=1, deaths=1)


def test_event_during_which_two_ended_is_guilty() -> None:
    assert Suspects(Trail(start="0-2", count=1, deaths=1), ["0-2"]).guilty() == ["0-2"]


def test_trail_of_a_page_covers_all_of_it_and_is_left_anew_after_a_suspect() -> None:
    suspects = Suspects(Trail(start="0-3", count=1), ["0-3"])
    left = [suspects.before(f"0-{number}") for number in range(5 + PAGE)]
    assert [trail.start for trail in left if trail is not None] == ["0-0", "0-3", "0-4", "0-260"]
