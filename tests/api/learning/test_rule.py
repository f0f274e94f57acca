from __future__ import annotations

from dataclasses import replace

from api.learning.rule import Facts, reason, waits_for

DUE = Facts(now_us=0, wanted_rows=100, new_rows=100, families=3)


def test_enough_new_rows_of_enough_models_call_for_a_training() -> None:
    assert reason(DUE) == "100 new measurements"


def test_one_row_less_is_waited_for() -> None:
    short = replace(DUE, new_rows=99)
    assert (reason(short), waits_for(short)) == ("", "1 more measurements are needed")


def test_two_models_are_too_few_to_judge_on() -> None:
    assert "measurements of 3 models are needed; there are 2" in waits_for(replace(DUE, families=2))


def test_after_a_drift_a_tenth_of_the_rows_is_enough() -> None:
    drifted = replace(DUE, now_us=6, new_rows=10, drift_us=5, last_us=4)
    assert reason(drifted) == "a drift, and 10 new measurements"
    assert waits_for(replace(drifted, new_rows=9))


def test_drift_from_before_the_last_training_is_learned_already() -> None:
    assert waits_for(replace(DUE, new_rows=10, drift_us=4, last_us=5))


def test_trainings_take_a_fiftieth_of_the_time() -> None:
    trained = replace(DUE, last_us=1, took_s=10.0)
    assert waits_for(replace(trained, now_us=489_000_000))
    assert reason(replace(trained, now_us=490_000_001))
