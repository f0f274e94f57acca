"""A malformed file says which line and why, and raises nothing else."""

from __future__ import annotations

import contextlib
import gzip
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scheduler.instances import FORMATS, parse
from scheduler.model.errors import InvalidInput, InvalidInstance
from tests.scheduler.instances.files import COMPACT, FILES, FT06, PLACEMENT, WORKFLOW, read
from tests.scheduler.instances.test_projects import project

STG = "2\n0 0 0\n1 3 1 0\n2 4 1 1\n3 0 1 2\n"
DAG = "2 1 2\n0 1\n1 0 3\n1 1 4\n0 5\n5 0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: wants an instance; got an empty file"),
        ("1 1\n1 1 0 x\n", "line 2: wants whole numbers; got 'x'"),
        ("1 1\n1 1 0 -3\n", "line 2: wants numbers that are not negative; got -3"),
        ("2 1\n1 1 0 3\n", "line 2: wants 2 lines of jobs before the file ends; got 1 lines"),
        ("1 1\n1 1 0 3\n1 1 0 3\n", "line 3: wants the end of the file after 1 jobs"),
        ("1 1\n\n1 5 0 3 0 4\n", "line 3: wants 5 pairs of machine and duration; got 4 numbers"),
        ("1 1\n2 1 0 3\n", "line 2: wants one more operation; got the end of the line"),
        ("1 1\n1 1 0 3 9\n", "line 2: wants the end of the line after 1 operations"),
        ("1 1\n1 0\n", "line 2: wants at least 1 alternative for each operation; got 0"),
        ("1 2\n1 1 2 3\n1 1 0 3", "line 3: wants the end of the file after 1 jobs"),
        ("1 2\n2 1 5 3 1 0 3\n", "line 2: wants machines from 0 to 1; got 5"),
        ("1 0\n1 1 0 3\n", "line 1: wants between 1 and 100000 machines; got 0"),
        (FT06.replace("0 3", "0 7", 1).replace("2 1", "9 1", 1), "line 2: wants machines from 0"),
        (DAG.replace("0 1", "0 2", 1), "line 2: wants operations from 0 to 1; got 2"),
        (DAG.replace("1 1 4", "1 1 4 7"), "line 4: wants the end of the line after 1 pairs"),
        (DAG + "1 1\n", "line 7: wants 1 arcs, 2 operations and then nothing or 2 rows"),
        (STG.replace("2 4", "5 4"), "line 4: wants task 2; got 5"),
        (STG.replace("1 3 1 0", "1 3 1 1"), "line 3: wants predecessors below 1"),
        (STG + "4 1 0\n", "line 6: wants the end of the file after 4 tasks, dummies included"),
        (project().replace("2 1 1 3", "2 1 2 3"), "line 5: wants an activity, its numbers of"),
        (project().replace("3 1 5 2 3", "3 1 5 2"), "line 14: wants 5 numbers: activity, mode,"),
        (project().replace("4 1 0 0 0\n", ""), "line 14: wants a mode 1 of activity 4 after it"),
        (project().partition("RESOURCE")[0], "line 16: wants the section RESOURCEAVAILABILITIES"),
        ('{"task_graph": 3,\n "x"}', "line 2: is no JSON: Expecting ':' delimiter in column 5"),
        ('{"task_graph": NaN}', "the document: is no JSON: NaN is no number"),
        ("[" * 100_000, "the document: is no JSON: maximum recursion depth"),
        ("9" * 5000, "line 1: "),
        (PLACEMENT.replace('"cpuLatency": 5', '"cpuLatency": "5"'), "nodes[2].cpuLatency: must be"),
        (PLACEMENT.replace('"destId": 12', '"destId": 7'), "edges[1].destId: must be the id of a"),
        (PLACEMENT.replace('"destId": 11', '"destId": 10'), "edges: must form no cycle; got one"),
        (PLACEMENT.replace('"maxCPUs": 8,', ""), "maxCPUs: is required"),
        (WORKFLOW.replace('"cut_1"],', '"cut_2"],'), "workflow.specification.tasks[1].parents[0]:"),
        (COMPACT.replace("[0, 1, 70]", "[0, 2, 70]"), "edges[0][1]: must be a whole number from 0"),
    ],
)  # fmt: skip
def test_the_message_says_where_and_why(text: str, message: str) -> None:
    with pytest.raises(InvalidInstance, match=re.escape(message)):
        read(text, "text@2")


def test_a_cycle_is_refused_like_in_any_problem() -> None:
    with pytest.raises(InvalidInput, match="edges must form no cycle; got '"):
        read("2 2 1\n0 1\n1 0\n1 0 1\n1 0 1\n")


def test_a_cycle_of_what_is_left_out_is_refused() -> None:
    with pytest.raises(InvalidInstance, match="edges: must form no cycle; got one through node 1"):
        read(project().replace("2 1 1 3", "2 1 1 2"))


@pytest.mark.parametrize("text", ["<html></html>", '{"a": 1}', "[1, 2]", "a,b\n1,2\n"])
def test_an_unknown_format_is_answered_with_those_known(text: str) -> None:
    with pytest.raises(InvalidInstance, match="is of none of the formats known") as refusal:
        read(text)
    assert all(f"\n  {name}: " in refusal.value.message for name in FORMATS)


def test_what_is_no_schedule_is_said_to_be_none() -> None:
    split = (FILES / "dnn_placement/bert24_inference_expert.json").read_bytes()
    for data in (split, b'{"maxMemoryPerDevice": 1}', b'{"problem": {}}'):
        with pytest.raises(InvalidInstance, match="is not a scheduling instance, but a"):
            parse(data, "file.json")


def test_broken_bytes_are_refused() -> None:
    with pytest.raises(InvalidInstance, match="line 2: wants text in UTF-8"):
        parse(b"1 1\n\xff", "a.txt")
    with pytest.raises(InvalidInstance, match="is a gzip file that ends before its time"):
        parse(gzip.compress(FT06.encode())[:-9], "a.gz")
    with pytest.raises(InvalidInstance, match="is no gzip file"):
        parse(b"\x1f\x8bxxxxxxxxxxxx", "a.gz")


def _small(path: Path) -> bool:
    return path.is_file() and path.suffix != ".md" and path.stat().st_size < 10_000


TEXTS = [FT06, DAG, STG, project(3), WORKFLOW, COMPACT, PLACEMENT]
TEXTS += [path.read_text() for path in sorted(FILES.rglob("*")) if _small(path)]
WORDS = [
    "", "-1", "0", "1", "2", "7", "1.5", "1e999", "1e-300", "9" * 30, "99999", "x", "NaN", "null",
    "true", '""', "[]", "{}", "\n", "#", "*", "٣", "\x00",
]  # fmt: skip
TOKEN = re.compile(r'"[^"]*"|[\w.+-]+|[^\s\w]')


@st.composite
def broken(draw: st.DrawFn) -> str:
    """One of the files, cut off or with some of its words replaced."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(0, 3))):
        tokens = list(TOKEN.finditer(text))
        if tokens:
            token = draw(st.sampled_from(tokens))
            text = text[: token.start()] + draw(st.sampled_from(WORDS)) + text[token.end() :]
    return text[: draw(st.integers(0, len(text)))] if draw(st.booleans()) else text


@given(broken())
@example('{"version": 1, "operations": [[]]}')
@example('{"maxFPGAs": 1, "nodes": {"0": 1}}')
@settings(max_examples=300)
def test_no_broken_file_raises_anything_but_a_refusal(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse(text.encode(), "text@2")
