from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from scheduler.model.checker import check
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.solvers.arrays import NEVER_US
from scheduler.solvers.kernels.randomness import seeded
from scheduler.solvers.kernels.serial.choosing import repair, violation
from scheduler.solvers.kernels.serial.decoding import (
    by_rank,
    decode,
    decode_greedily,
    justify,
    settle,
)
from scheduler.solvers.kernels.serial.evaluation import CODES, score
from scheduler.solvers.kernels.serial.records import Records
from scheduler.solvers.kernels.serial.valuing import value
from scheduler.solvers.metaheuristics.serial import Bench, bench, blank, solution
from scheduler.solvers.translating import arrays, schedule_of
from tests import builders
from tests.scheduler import strategies

RUN_ON = np.zeros(1, np.int8)


def decoded(problem: Problem, seed: int) -> tuple[Bench, Records]:
    """Some plan of a problem: order and modes drawn at random, the modes repaired."""
    room, rng = bench(arrays(problem)), seeded(seed)
    plan = blank(room.rows)
    by_rank(room.rows, 5.0, rng, plan)
    counts = room.rows.op["mode_last"] - room.rows.op["mode_first"]
    drawn = np.random.default_rng(seed).integers(0, counts)
    plan["mode"] = room.rows.op["mode_first"] + drawn
    if not repair(room.rows, room.choices, plan, plan.copy(), rng, 500, RUN_ON):
        reject()
    assert decode(room.rows, room.decoder, plan, NEVER_US, RUN_ON)
    return room, plan


@given(strategies.problems(), st.integers(0, 99))
def test_any_order_and_modes_that_may_be_chosen_decode_to_a_valid_schedule(
    problem: Problem, seed: int
) -> None:
    _, plan = decoded(problem, seed)
    assert not check(problem, schedule_of(problem, arrays(problem), solution(plan)))


@given(strategies.problems(), st.integers(0, 99))
def test_records_are_valued_as_arrays_are(problem: Problem, seed: int) -> None:
    room, plan = decoded(problem, seed)
    form, space = arrays(problem), np.zeros((2, len(problem.jobs)), np.int64)
    for objective in Objective:
        expected = score(form, *solution(plan), CODES[objective])
        assert value(room.rows, space, plan, CODES[objective]) == expected


@given(strategies.problems(), st.integers(0, 99))
def test_an_order_by_start_decodes_to_the_same_starts_without_setups(
    problem: Problem, seed: int
) -> None:
    assume(not any(mode.setup_us for one in problem.operations for mode in one.modes))
    room, plan = decoded(problem, seed)
    before = plan.copy()
    settle(plan, False)
    assert decode(room.rows, room.decoder, plan, NEVER_US, RUN_ON)
    assert (plan["start_us"] == before["start_us"]).all()


def project(seed: int) -> Problem:
    """Twelve operations that share two resources."""
    draw = np.random.default_rng(seed)
    modes = [
        builders.mode(
            duration_us=int(draw.integers(1, 9)),
            demands={"r0": int(draw.integers(1, 4)), "r1": int(draw.integers(1, 4))},
        )
        for _ in range(12)
    ]
    return builders.problem(
        [builders.operation(f"o{i}", modes=[mode]) for i, mode in enumerate(modes)],
        machines=[builders.machine(exclusive=False)],
        edges=[(f"o{i}", f"o{i + 3}") for i in range(9)],
        resources=[builders.resource("r0", 5), builders.resource("r1", 4)],
    )


@pytest.mark.parametrize("seed", range(5))
def test_justification_never_makes_a_project_longer(seed: int) -> None:
    room, plan = decoded(project(seed), seed)
    before_us = plan["end_us"].max()
    assert justify(room.rows, room.mirror, room.decoder, plan, NEVER_US, RUN_ON)
    assert plan["end_us"].max() <= before_us


def test_decoding_gives_up_once_the_limit_is_sure_to_be_missed() -> None:
    room, plan = decoded(project(0), 0)
    end_us = int(plan["end_us"].max())
    assert decode(room.rows, room.decoder, plan, end_us, RUN_ON)
    assert not decode(room.rows, room.decoder, plan, end_us - 1, RUN_ON)


def test_greedy_decoding_takes_the_mode_that_finishes_first() -> None:
    problem = builders.problem(
        [builders.operation(f"o{i}", durations={"m0": 3, "m1": 5}) for i in range(2)],
        machines=[builders.machine("m0"), builders.machine("m1")],
    )
    room = bench(arrays(problem))
    plan = blank(room.rows)
    assert decode_greedily(room.rows, room.decoder, plan, RUN_ON)
    assert plan["end_us"].tolist() == [3, 5]


def test_a_choice_that_spends_more_than_the_budget_is_repaired() -> None:
    dear, cheap = (builders.mode(duration_us=us, demands={"b": n}) for us, n in ((1, 2), (2, 1)))
    problem = builders.problem(
        [builders.operation(f"o{i}", modes=[dear, cheap]) for i in range(3)],
        resources=[builders.resource("b", 4, renewable=False)],
    )
    room = bench(arrays(problem))
    plan = blank(room.rows)
    assert violation(room.rows, room.choices, plan) > 0
    assert repair(room.rows, room.choices, plan, plan.copy(), seeded(1), 100, RUN_ON)
    assert sum(plan["mode"] == room.rows.op["mode_first"]) <= 1
