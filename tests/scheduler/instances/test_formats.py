"""One shop in every format that can say it; files that could be of two formats, or nearly are."""

from __future__ import annotations

import json
from random import Random

import pytest

from scheduler.instances import Instance, parse, write
from scheduler.model.errors import InvalidInstance, UnknownName
from scheduler.model.objectives import Objective
from tests.scheduler.fuzz.brute import optimum
from tests.scheduler.instances.files import read
from tests.scheduler.instances.test_projects import project

Shop = list[list[tuple[int, int]]]
"""Per job its operations: machine and duration."""
BOTH = "2 2\n1 1 0 5\n1 1 0 4\n"
SHORT = "3 3\n0 3 1 2 2 2\n0 2 2 1 1 4\n1 4 2 3\n"


def shop(random: Random, machines: int) -> Shop:
    return [
        [(m, random.randint(1, 9)) for m in random.sample(range(machines), random.randint(1, 3))]
        for _ in range(2)
    ]


def as_jsp(jobs: Shop, machines: int) -> str:
    rows = (" ".join(f"{m} {us}" for m, us in job) for job in jobs)
    return "\n".join([f"{len(jobs)} {machines}", *rows])


def as_fjsp(jobs: Shop, machines: int) -> str:
    rows = (" ".join([str(len(job)), *(f"1 {m} {us}" for m, us in job)]) for job in jobs)
    return "\n".join([f"{len(jobs)} {machines}", *rows])


def numbered(jobs: Shop) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """All operations in order, and arcs between their numbers."""
    operations = [one for job in jobs for one in job]
    firsts = [sum(map(len, jobs[:j])) for j in range(len(jobs))]
    arcs = [
        (f + k, f + k + 1) for f, job in zip(firsts, jobs, strict=True) for k in range(len(job) - 1)
    ]
    return operations, arcs


def as_fjsp_dag(jobs: Shop, machines: int) -> str:
    operations, arcs = numbered(jobs)
    rows = [f"{len(operations)} {len(arcs)} {machines}", *(f"{u} {v}" for u, v in arcs)]
    return "\n".join([*rows, *(f"1 {m} {us}" for m, us in operations)])


def as_psplib(jobs: Shop, machines: int) -> str:
    """A machine is a resource of which there is one; activities count from 1, dummies around."""
    operations, arcs = numbered(jobs)
    last = len(operations) + 2
    after = {n: [v + 2 for u, v in arcs if u + 2 == n] for n in range(2, last)}
    begins = [i + 2 for i in range(len(operations)) if i not in {v for _, v in arcs}]
    rows = ["PRECEDENCE RELATIONS:", "jobnr. #modes #successors successors"]
    rows.append(" ".join(map(str, [1, 1, len(begins), *begins])))
    rows += [
        " ".join(map(str, [n, 1, len(found or [last]), *(found or [last])]))
        for n, found in after.items()
    ]
    rows += [f"{last} 1 0", "****", "REQUESTS/DURATIONS:", "jobnr. mode duration requests"]
    needs = {m: " ".join(str(int(m == r)) for r in range(machines)) for m in range(machines)}
    none = " ".join("0" * machines)
    rows.append(f"1 1 0 {none}")
    rows += [f"{i + 2} 1 {us} {needs[m]}" for i, (m, us) in enumerate(operations)]
    rows += [f"{last} 1 0 {none}", "****", "RESOURCE AVAILABILITIES:"]
    rows.append(" ".join(f"R {r + 1}" for r in range(machines)))
    return "\n".join([*rows, " ".join("1" * machines), "****"])


def makespan(instance: Instance) -> float:
    best = optimum(instance.problem, Objective.MAKESPAN)
    assert best is not None
    return instance.value(best.values[0])


@pytest.mark.parametrize("seed", range(12))
def test_the_same_shop_has_the_same_optimum_in_every_format(seed: int) -> None:
    jobs = shop(Random(seed), machines=4)
    by_format = {
        "jsp": as_jsp(jobs, 4),
        "fjsp": as_fjsp(jobs, 4),
        "fjsp_dag": as_fjsp_dag(jobs, 4),
        "psplib": as_psplib(jobs, 4),
    }
    by_format["fjord"] = write(parse(by_format["fjsp"].encode(), "a", format="fjsp").problem)
    found = {
        name: makespan(parse(text.encode(), "a", format=name)) for name, text in by_format.items()
    }
    assert len(set(found.values())) == 1, found


Graph = tuple[list[int], list[tuple[int, int]]]
"""Times of tasks, and arcs."""


def graph(random: Random) -> Graph:
    pairs = [(i, j) for j in range(5) for i in range(j)]
    return [random.randint(1, 9) for _ in range(5)], sorted(random.sample(pairs, 3))


def as_stg(times: list[int], arcs: list[tuple[int, int]]) -> str:
    """Tasks count from 1, dummies around them."""
    count = len(times)
    ends = [i + 1 for i in range(count) if i not in {u for u, _ in arcs}]
    rows = [str(count), "0 0 0"]
    for i, us in enumerate(times):
        before = [u + 1 for u, v in arcs if v == i] or [0]
        rows.append(" ".join(map(str, [i + 1, us, len(before), *before])))
    return "\n".join([*rows, " ".join(map(str, [count + 1, 0, len(ends), *ends]))])


def as_dagbench(times: list[int], arcs: list[tuple[int, int]]) -> str:
    tasks = [{"name": f"t{i}", "cost": us} for i, us in enumerate(times)]
    edges = [{"source": f"t{u}", "target": f"t{v}", "size": 0} for u, v in arcs]
    nodes = [{"name": name, "speed": 1} for name in "ab"]
    ways = [{"source": "a", "target": "b", "speed": 1}]
    return json.dumps(
        {
            "task_graph": {"tasks": tasks, "dependencies": edges},
            "network": {"nodes": nodes, "edges": ways},
        }
    )


def as_equal_machines(times: list[int], arcs: list[tuple[int, int]]) -> str:
    rows = [f"{len(times)} {len(arcs)} 2", *(f"{u} {v}" for u, v in arcs)]
    return "\n".join([*rows, *(f"2 0 {us} 1 {us}" for us in times)])


@pytest.mark.parametrize("seed", range(8))
def test_the_same_graph_on_equal_machines_has_the_same_optimum_in_every_format(seed: int) -> None:
    times, arcs = graph(Random(seed))
    texts = {"stg": as_stg, "dagbench": as_dagbench, "fjsp_dag": as_equal_machines}
    found = {
        name: makespan(parse(say(times, arcs).encode(), "a@2", format=name))
        for name, say in texts.items()
    }
    assert len(set(found.values())) == 1, found


def test_jobs_of_a_job_shop_need_not_be_of_one_length() -> None:
    found = read(SHORT)
    assert found.format == "jsp"
    assert makespan(found) == 11


def test_a_file_that_reads_as_two_formats_is_refused_with_both() -> None:
    with pytest.raises(InvalidInstance, match=r"line 2: reads as fjsp \(.*\) and as jsp \("):
        read(BOTH)


@pytest.mark.parametrize(("name", "operations"), [("fjsp", 2), ("jsp", 4)])
def test_who_names_the_format_settles_what_is_meant(name: str, operations: int) -> None:
    found = parse(BOTH.encode(), "both.txt", format=name)
    assert (found.format, len(found.problem.operations)) == (name, operations)


def test_a_document_with_the_keys_of_two_formats_is_refused_with_both() -> None:
    text = json.dumps({"operations": [], "workflow": {}})
    with pytest.raises(InvalidInstance, match=r"reads as fjord \(.*\) and as wfcommons \("):
        read(text)


def test_a_document_is_held_to_the_format_that_is_named() -> None:
    with pytest.raises(InvalidInstance, match="wants task_graph, as dagbench has it"):
        parse(b'{"operations": []}', "a.json", format="dagbench")


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match=r"format must be one of fjord, fjsp, .*; got 'xml'"):
        parse(BOTH.encode(), "both.txt", format="xml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SHORT.replace("1 4 2 3", "1 4 2"), "line 4: wants pairs of machine and duration"),
        (SHORT.replace("1 4 2 3", "1 4 7 3"), "line 4: wants machines from 0 to 2; got 7"),
        (SHORT.replace("3 3", "3 three"), "line 1: wants whole numbers; got 'three'"),
        (SHORT.replace("3 3", "3 -3"), "line 1: wants numbers that are not negative; got -3"),
        (SHORT.replace("3 3", "3"), "line 1: wants the numbers of jobs and machines; got 1 words"),
        ("// tiny 2\n" + SHORT, "line 1: wants whole numbers; got '//'"),
        ("2 3\n1 2 0 4 1 2\n1 1 2\n", "line 3: wants 1 pairs of machine and duration; got 1 num"),
        ("2 1 2\n0\n1 0 3\n1 1 4\n", r"line 2: wants 2 numbers \(an arc\); got 1 numbers"),
        ("2 1 2\n0 1\n1 0 3\n", "line 3: wants 1 arcs, 2 operations and then nothing"),
        (
            "2 4\n0 0 0\n1 3 1 0\n2 4 1 1\n3 0 1 2\n",
            r"line 1: wants 1 numbers \(the number of tasks",
        ),
        ("2\n1 0 0\n2 3 1 1\n3 4 1 2\n4 0 1 3\n", "line 2: wants task 0; got 1"),
    ],
)
def test_a_refusal_speaks_of_the_format_that_most_lines_are_in(text: str, message: str) -> None:
    with pytest.raises(InvalidInstance, match=message):
        read(text, "text@2")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["version", "machines", "jobs"], "operations: is required, as fjord has it"),
        (["network"], "task_graph: is required, as dagbench has it"),
        (["processors", "cost"], "edges_1based_u_v_comm: is required, as heft has it"),
        (["nodes", "edges", "maxCPUs"], "maxFPGAs: is required, as dnn_placement has it"),
        (["tasks", "edges", "machines"], "task_fields: is required, as wfcommons has it"),
        (["schemaVersion", "name"], "workflow: is required, as wfcommons has it"),
        (["edges"], "is of none of the formats known"),
    ],
)
def test_a_document_is_refused_in_the_words_of_the_format_it_has_most_keys_of(
    keys: list[str], message: str
) -> None:
    with pytest.raises(InvalidInstance, match=message):
        read(json.dumps(dict.fromkeys(keys, 1)))


@pytest.mark.parametrize("title", ["PRECEDENCE RELATIONS", "REQUESTS/DURATIONS"])
def test_a_project_without_one_of_its_titles_is_a_project_still(title: str) -> None:
    with pytest.raises(InvalidInstance, match=f"wants the section {title} and rows in it"):
        read(project().replace(title, "SOMETHING"))


@pytest.mark.parametrize(
    "text",
    [
        SHORT.replace("2 2 2\n", "2 2 2  # the first job\n"),
        "# Optimum 11.\n" + SHORT,
        SHORT.replace("\n", "\r\n"),
        SHORT.replace(" ", "\t"),
        SHORT.replace("\n", " \n\n"),
        SHORT + "\x1a",
        "\ufeff" + SHORT,
    ],
)
def test_comments_blanks_and_ends_of_lines_and_files_may_be_of_any_kind(text: str) -> None:
    assert read(text).problem == read(SHORT).problem


@pytest.mark.parametrize(
    ("title", "as_set"),
    [
        ("PRECEDENCE RELATIONS", "PRECEDENCERELATIONS"),
        ("PRECEDENCE RELATIONS:", "Precedence  relations :"),
        ("REQUESTS/DURATIONS", "  REQUESTS / DURATIONS"),
        ("RESOURCEAVAILABILITIES", "RESOURCE AVAILABILITIES"),
    ],
)
def test_titles_of_a_project_may_be_set_with_blanks_or_without(title: str, as_set: str) -> None:
    assert read(project().replace(title, as_set)).problem == read(project()).problem
