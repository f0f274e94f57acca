"""Several bands: the value of each, and the proof of it, in order."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scheduler.model.checker import check
from scheduler.model.objectives import Objective, values_by_band
from scheduler.model.problem import Band, Problem, Progress
from scheduler.model.schedule import BandResult, Limits, Status
from scheduler.portfolio import solve
from tests.builders import job, machine, mode, operation, problem
from tests.scheduler.reference import schedules
from tests.scheduler.strategies import Size, problems

BRIEF = Limits(time_s=30, deterministic_s=0.3)
HIGH_AND_LOW = [job("high", band=Band.HIGH), job("low", band=Band.BACKGROUND)]
few = settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def told(p: Problem, name: str = "auto", objective: Objective = Objective.MAKESPAN) -> list[object]:
    """Band, status, value and bound of each band."""
    found = solve(p, name, BRIEF, objective=objective)
    return [(b.band, b.status.value, b.value, b.bound) for b in found.bands]


def best(p: Problem, objective: Objective) -> tuple[int, ...] | None:
    """The best values band by band, by trying everything."""
    kept = (s for s in schedules(p) if not check(p, s))
    return min((values_by_band(p, s, objective) for s in kept), default=None)


@few
@given(
    problems(deadlines=True, size=Size(machines=2, jobs=3, operations=4, modes=2)),
    st.sampled_from([o for o in Objective if o is not Objective.DEADLINE_MISSES]),
    st.sampled_from(["auto", "cp_sat", "heft", "genetic"]),
)
def test_bands_are_worth_what_is_said_and_proven_only_in_order(
    p: Problem, objective: Objective, name: str
) -> None:
    if objective is Objective.MAX_LATENESS or objective is Objective.WEIGHTED_TARDINESS:
        p = _due(p)
    found, values = solve(p, name, BRIEF, objective=objective), best(p, objective)
    if not found.bands or found.schedule is None:
        assert found.status is not Status.INFEASIBLE or values is None
        return
    got = values_by_band(p, found.schedule, objective)
    assert {b.band: b.value for b in found.bands} == {b.band: got[b.band] for b in found.bands}
    if values is None:
        assert found.status is Status.LIMIT
        return
    for band in found.bands:
        _agrees(band, got, values)


def _due(p: Problem) -> Problem:
    jobs = [job(j.id, band=j.band, weight=j.weight, due_us=j.due_us or 12) for j in p.jobs]
    return problem(
        p.operations,
        machines=p.machines,
        jobs=jobs,
        edges=[(e.source, e.target, e.size_bytes) for e in p.edges],
        links=p.links,
        resources=p.resources,
        now_us=p.now_us,
    )


def _agrees(found: BandResult, got: tuple[int, ...], values: tuple[int, ...]) -> None:
    """The results of each band hold against the best values of all."""
    above = slice(0, found.band)
    if found.status is Status.OPTIMAL:
        assert got[: found.band + 1] == values[: found.band + 1]
    if got[above] == values[above] and found.bound is not None:
        assert found.bound <= values[found.band]


@pytest.mark.parametrize("name", ["auto", "cp_sat"])
def test_a_lower_band_is_not_hurt_by_one_of_many_equal_plans_of_a_higher_one(name: str) -> None:
    # Wherever `h` runs it ends at 4; only on `b` it leaves `a` to the other.
    p = problem(
        [
            operation("h", job="high", durations={"a": 4, "b": 4}),
            operation("l", job="low", durations={"a": 3}),
        ],
        jobs=HIGH_AND_LOW,
    )
    assert told(p, name) == [(Band.HIGH, "optimal", 4, 4), (Band.BACKGROUND, "optimal", 3, 3)]


def test_what_a_higher_band_ends_with_does_not_hide_what_a_lower_one_gains() -> None:
    # The makespan of all is 9 whatever `l` does.
    p = problem(
        [
            operation("h", job="high", durations={"a": 9}),
            operation("l", job="low", modes=[mode("b", 5), mode("b", 3)]),
        ],
        jobs=HIGH_AND_LOW,
    )
    assert told(p) == [(Band.HIGH, "optimal", 9, 9), (Band.BACKGROUND, "optimal", 3, 3)]


def test_what_runs_in_another_band_does_not_hide_what_is_gained_either() -> None:
    p = problem(
        [
            operation("l", job="low", durations={"a": 50}, progress=Progress(mode=0, start_us=0)),
            *(operation(f"h{i}", job="high", durations={"b": 2 + i, "c": 3 + i}) for i in range(4)),
        ],
        jobs=HIGH_AND_LOW,
    )
    found = solve(p, "auto", BRIEF)
    values = best(p, Objective.MAKESPAN)
    assert values is not None
    assert [b.value for b in found.bands] == [values[Band.HIGH], 50]
    assert found.status is Status.OPTIMAL


def test_the_status_of_all_is_optimal_only_if_that_of_each_band_is() -> None:
    p = problem(
        [
            operation("h", job="high", durations={"a": 4}),
            *(operation(f"l{i}", job="low", durations={"a": 3 + i, "b": 4}) for i in range(5)),
        ],
        jobs=HIGH_AND_LOW,
    )
    quick = solve(p, "spt", objective=Objective.WEIGHTED_COMPLETION)
    assert quick.status is Status.FEASIBLE
    assert quick.bands[0].status is Status.OPTIMAL
    assert quick.bands[1].status is Status.FEASIBLE


def test_a_higher_band_gives_way_by_as_little_as_it_must() -> None:
    # Heuristics put `h` first, where it leaves `l` no memory; of its other machines one is better.
    high = [mode("gpu", 1, resident_bytes=4), mode("slow", 9), mode("slower", 12)]
    p = problem(
        [
            operation("h", job="high", modes=high),
            operation("l", job="low", modes=[mode("gpu", 1, resident_bytes=4)]),
        ],
        machines=[machine("gpu", memory_bytes=7), machine("slow"), machine("slower")],
        jobs=HIGH_AND_LOW,
    )
    assert told(p) == [(Band.HIGH, "optimal", 9, 9), (Band.BACKGROUND, "optimal", 1, 1)]
    assert solve(p, "auto", BRIEF).status is Status.OPTIMAL


def test_one_band_has_no_rows() -> None:
    assert told(problem([operation("a"), operation("b")])) == []
