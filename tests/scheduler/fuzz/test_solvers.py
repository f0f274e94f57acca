"""Solvers, bounds and the checker against enumeration: 300 random questions, and all known ones.

``make fuzz MINUTES=30`` asks on, with bounds checked and two hash seeds.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from scheduler.model.objectives import Objective
from scheduler.model.problem import Band, Problem
from scheduler.model.schedule import Schedule
from tests.builders import chain, job, operation, problem, schedule
from tests.scheduler.fuzz.asking import question
from tests.scheduler.fuzz.brute import optimum
from tests.scheduler.fuzz.cases import Case, from_json, known, read, to_json
from tests.scheduler.fuzz.changing import near, smallest
from tests.scheduler.fuzz.drawing import EPOCH_US, drawn, later
from tests.scheduler.fuzz.judging import PROVERS, judged, solvers_for
from tests.scheduler.fuzz.proofs import SEEDS, SETTINGS, claims, neighbours
from tests.scheduler.fuzz.worth import faults, value
from tests.scheduler.reference import optima
from tests.scheduler.strategies import Size, problems

QUESTIONS, AT_ONCE = 300, 30


@pytest.mark.parametrize("first", range(0, QUESTIONS, AT_ONCE))
def test_no_answer_to_a_random_question_is_wrong(first: int) -> None:
    numbers = range(first, first + AT_ONCE)
    verdicts = {n: judged(question(n), solvers_for(n), n) for n in numbers}
    assert {n: v.complaints for n, v in verdicts.items() if v.complaints} == {}
    assert sum(v.too_large for v in verdicts.values()) <= AT_ONCE // 10


@pytest.mark.parametrize("file", known(), ids=lambda file: file.stem)
def test_no_answer_to_a_question_that_was_answered_wrongly_once_is_wrong(file: Path) -> None:
    verdict = judged(read(file), PROVERS)
    assert verdict.complaints == []
    assert not verdict.too_large


def test_cp_sat_proves_no_more_than_is_possible_near_what_it_once_did() -> None:
    found = [claim for case in neighbours(12) for claim in claims(case)]
    assert len(found) == 12 * len(SETTINGS) * len(SEEDS)
    assert [claim for claim in found if claim.is_wrong] == []


# The other enumeration walks through time in Python, and is judged by the checker of the model.
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(problems(deadlines=True, size=Size(operations=4, modes=3)))
def test_two_enumerations_find_the_same_optima(p: Problem) -> None:
    wanted = optima(p)
    for objective in Objective:
        best = optimum(p, objective)
        assert best is not None
        assert best.values == ((wanted[objective],) if objective in wanted else ())
        if best.schedule is not None:
            assert value(p, best.schedule, objective) == wanted[objective]


def test_a_more_urgent_band_is_worth_more_than_all_that_it_costs_the_others() -> None:
    p = problem(
        [operation("brief", job="low"), operation("o", durations={"m0": 9})],
        jobs=[job("low", weight=9), job(band=Band.HIGH)],
    )
    together = optimum(p, Objective.WEIGHTED_COMPLETION)
    apart = optimum(p, Objective.WEIGHTED_COMPLETION, by_band=True)
    assert together is not None
    assert apart is not None
    assert together.values == (1 * 9 + 10,)
    assert apart.values == (9, 10 * 9)


def test_an_optimum_of_the_epoch_is_that_of_the_origin_so_much_later() -> None:
    for number in range(20):
        p = drawn(number, most_operations=4).problem
        early, late = (optimum(q, Objective.MAKESPAN) for q in (p, later(p, EPOCH_US)))
        assert early is not None
        assert late is not None
        assert [v + EPOCH_US for v in early.values] == list(late.values)


def test_a_schedule_that_breaks_a_rule_has_that_fault() -> None:
    p = chain(3, 4)
    assert faults(p, schedule(p, {"o0": (0, 0), "o1": (0, 3)})) == []
    assert "o1 meets o0" in faults(p, schedule(p, {"o0": (0, 0), "o1": (0, 2)}))
    assert faults(p, Schedule(assignments=())) == ["not each operation is placed once"]


def test_a_question_comes_back_from_its_file_as_it_was() -> None:
    for number in range(30):
        assert from_json(to_json(drawn(number))) == drawn(number)


def test_questions_near_a_question_are_other_ones() -> None:
    case = drawn(1)
    assert sum(near(case, Random(n)) != case for n in range(20)) >= 15


def test_a_failing_question_is_made_as_small_as_it_still_fails() -> None:
    def fails(case: Case) -> bool:
        return any(m.duration_us > 3 for o in case.problem.operations for m in o.modes)

    small = smallest(drawn(3), fails).problem
    assert len(small.operations) == 1
    assert [m.duration_us for m in small.operations[0].modes] == [4]
    assert small == replace(small, edges=(), resources=(), links=(), now_us=0)
