"""Instances that are hard for one solver and easy for another."""

from __future__ import annotations

from random import Random

import pytest

from scheduler.adversary import MOST, SHAPES, AdversarialInstance, drawn, perturbed, search, shaped
from scheduler.model.problem import Problem


def total_us(problem: Problem) -> int:
    return sum(o.modes[0].duration_us for o in problem.operations)


def longest_us(problem: Problem) -> int:
    return max(o.modes[0].duration_us for o in problem.operations)


def test_the_search_finds_what_sets_two_measures_apart() -> None:
    begun = search(total_us, longest_us, steps=0, seed=1)
    found = search(total_us, longest_us, steps=300, seed=1)
    problem = found.instance.problem()
    assert found.ratio > begun.ratio
    assert found.ratio == pytest.approx(total_us(problem) / longest_us(problem))


def test_the_same_seed_finds_the_same() -> None:
    assert search(total_us, longest_us, steps=50, seed=3) == (
        search(total_us, longest_us, steps=50, seed=3)
    )


def test_instances_stay_within_their_bounds() -> None:
    random = Random(0)
    instance = drawn(random)
    for _ in range(500):
        instance = perturbed(instance, random)
    assert all(1 <= value <= MOST for value in (*instance.weights, *instance.speeds))
    assert all(0 <= size <= MOST for size in instance.edges.values())
    assert all(1 <= rate <= MOST for rate in instance.bandwidths.values())
    assert instance.problem().operations


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_a_graph_of_as_many_tasks(shape: str) -> None:
    instance = shaped(shape, 30, 3, Random(1))
    assert len(instance.problem().operations) == 30
    assert all(0 <= i < j < 30 for i, j in instance.edges)


def test_what_is_written_is_read_again() -> None:
    instance = shaped("layers", 12, 3, Random(2))
    assert AdversarialInstance.read(instance.written()) == instance
