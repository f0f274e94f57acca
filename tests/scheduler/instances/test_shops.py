"""Job shops, flexible job shops, and those with arcs and transport."""

from __future__ import annotations

import pytest

from scheduler.instances import Instance
from scheduler.instances.graphs import longest_path
from scheduler.model.errors import InvalidInstance
from tests.scheduler.instances.files import FT06, load, read


def critical_path_us(instance: Instance) -> float:
    """Longest path of shortest durations: no schedule ends sooner."""
    problem = instance.problem
    numbers = {operation.id: i for i, operation in enumerate(problem.operations)}
    shortest = [min(mode.duration_us for mode in o.modes) for o in problem.operations]
    return longest_path(shortest, [(numbers[e.source], numbers[e.target]) for e in problem.edges])


def durations(instance: Instance) -> list[list[tuple[str, int]]]:
    return [[(m.machine, m.duration_us) for m in o.modes] for o in instance.problem.operations]


def test_a_line_is_a_job_whose_operations_follow_one_another() -> None:
    shop = read("2 2\n2  1 0 3  2 0 4 1 2\n1  1 1 5\n")
    assert shop.format == "fjsp"
    assert durations(shop) == [[("m0", 3)], [("m0", 4), ("m1", 2)], [("m1", 5)]]
    assert [o.job for o in shop.problem.operations] == ["j0", "j0", "j1"]
    assert [(e.source, e.target) for e in shop.problem.edges] == [("j0.0", "j0.1")]


@pytest.mark.parametrize(
    ("text", "filename", "first"),
    [
        ("1 2\n1 2 0 4 1 2\n", "a.txt", 0),
        ("1 2\n1 2 1 4 2 2\n", "a.txt", 1),
        ("1 3\n1 2 1 4 2 2\n", "a.txt", 0),
        ("1 3\n1 2 1 4 2 2\n", "a.fjs", 1),
        ("1 2 1.5\n1 2 0 4 1 2\n", "a.fjs", 0),
    ],
)
def test_machines_count_from_where_the_numbers_and_the_ending_say(
    text: str, filename: str, first: int
) -> None:
    shop = read(text, filename)
    machines = [machine.id for machine in shop.problem.machines]
    assert shop.machine_numbers == tuple(range(first, first + len(machines)))
    named = {int(text.split("\n")[1].split()[2 + 2 * i]) for i in (0, 1)}
    used = {mode.machine for mode in shop.problem.operations[0].modes}
    assert {shop.machine_numbers[machines.index(m)] for m in used} == named


def test_operations_are_numbered_job_by_job() -> None:
    shop = load("fjsp/mk01.txt")
    assert shop.operation_numbers == tuple(range(55))
    assert [o.job for o in shop.problem.operations[:7]] == ["j0"] * 6 + ["j1"]


@pytest.mark.parametrize(
    ("path", "jobs", "machines", "operations", "optimum"),
    [
        ("fjsp/k1.txt", 4, 5, 12, 11),
        ("fjsp/mk01.txt", 10, 6, 55, 40),
        ("fjsp/mt10x.txt", 10, 11, 100, 918),
        ("fjsp/orb7.txt", 10, 10, 100, 389),
        ("fjsp_dag/YFJS01.txt", 4, 7, 40, 773),
        ("fjsp_dag/DAFJS04.txt", 4, 10, 43, 606),
    ],
)
def test_published_shops_have_their_sizes_and_no_path_beyond_the_optimum(
    path: str, jobs: int, machines: int, operations: int, optimum: int
) -> None:
    shop = load(path)
    problem = shop.problem
    sizes = len(problem.jobs), len(problem.machines), len(problem.operations)
    assert sizes == (jobs, machines, operations)
    assert shop.value(int(critical_path_us(shop))) <= optimum


def test_an_operation_without_time_takes_less_than_counts() -> None:
    shop = load("fjsp/orb7.txt")
    shortest_us = min(m.duration_us for o in shop.problem.operations for m in o.modes)
    assert shortest_us == 1
    assert shop.value(389 * shop.us_per_unit + shortest_us) == 389


def test_a_job_shop_is_told_from_a_flexible_one() -> None:
    shop = read(FT06)
    assert shop.format == "jsp"
    assert durations(shop)[:2] == [[("m2", 1)], [("m0", 3)]]
    assert critical_path_us(shop) == 47  # the second job: 8 + 5 + 10 + 10 + 10 + 4


def test_weakly_connected_operations_are_a_job() -> None:
    shop = read("4 2 1\n0 2\n3 2\n" + "1 0 1\n" * 4)
    assert shop.format == "fjsp_dag"
    assert [o.job for o in shop.problem.operations] == ["j0", "j1", "j0", "j0"]


def test_no_arcs_at_all_are_jobs_of_one_operation() -> None:
    assert len(read("2 0 1\n1 0 1\n1 0 2\n").problem.jobs) == 2


def test_a_transport_time_is_paid_whatever_the_size() -> None:
    problem = read("2 1 2\n0 1\n1 0 3\n1 1 4\n0 5\n6 0\n").problem
    edge = problem.edges[0]
    assert problem.transfer_us(edge, "m0", "m1") == 5
    assert problem.transfer_us(edge, "m1", "m0") == 6
    assert problem.transfer_us(edge, "m0", "m0") == 0


def test_published_transport_times_join_every_pair_of_machines() -> None:
    problem = load("fjsp_dag/YFJS03_transport.txt").problem
    machines = len(problem.machines)
    assert len(problem.links) == machines * (machines - 1)
    assert not load("fjsp_dag/YFJS01.txt").problem.links


OR_LIBRARY = f"""
 +++++++++++++++++++++++++++++
 instance ft06

 +++++++++++++++++++++++++++++
 Fisher and Thompson 6x6 instance, alternate name (mt06)
{FT06} +++++++++++++++++++++++++++++
"""
TAILLARD = """Nb of jobs, Nb of Machines, Time seed, Machine seed, Upper bound, Lower bound
           2            3    840612802    398197754         1231         1005
Times
 94 66 10
 53 26 15
Machines
 3 1 2
 2 3 1
"""


def test_headings_of_the_or_library_are_no_part_of_a_shop() -> None:
    shop, bare = read(OR_LIBRARY), read(FT06)
    assert shop.format == "jsp"
    assert durations(shop) == durations(bare)


def test_taillard_has_the_durations_before_the_machines() -> None:
    shop = read(TAILLARD)
    assert shop.machine_numbers == (1, 2, 3)
    assert durations(shop) == [
        [("m2", 94)],
        [("m0", 66)],
        [("m1", 10)],
        [("m1", 53)],
        [("m2", 26)],
        [("m0", 15)],
    ]


@pytest.mark.parametrize(
    ("changed", "to", "message"),
    [
        (" 2 3 1\n", "", "line 7: wants as many lines under Machines as under Times, 2"),
        (" 2 3 1\n", " 2 3\n", "line 8: wants 3 numbers"),
        (" 2 3 1\n", " 2 3 4\n", "wants machines from"),
        ("           2 ", "           3 ", "wants 3 lines of jobs"),
        ("Times", "Machines\nTimes", "line 3: wants the title Times before it"),
    ],
)
def test_a_file_of_taillard_that_breaks_off_is_refused_by_its_line(
    changed: str, to: str, message: str
) -> None:
    with pytest.raises(InvalidInstance, match=message):
        read(TAILLARD.replace(changed, to))
