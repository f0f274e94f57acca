"""A stop reaches the run that it was made for, whenever it is set."""

from devices.runtime.engines.engine import Stop


def test_a_stop_that_is_set_in_the_run_ends_it_once() -> None:
    stop, ended = Stop(), list[str]()
    with stop.ends_by(lambda: ended.append("one")):
        assert ended == []
        stop.set()
    assert ended == ["one"]


def test_a_stop_that_was_set_before_ends_the_run_at_once() -> None:
    stop, ended = Stop(), list[str]()
    stop.set()
    with stop.ends_by(lambda: ended.append("one")):
        assert ended == ["one"]


def test_a_stop_that_is_set_after_the_run_ends_nothing() -> None:
    stop, ended = Stop(), list[str]()
    with stop.ends_by(lambda: ended.append("one")):
        pass
    stop.set()
    assert ended == []
    assert stop.is_set
