from api.tools.gantt.reading import chart_of
from scheduler.instances import Instance, parse, write
from scheduler.model.problem import (
    Edge,
    Job,
    Link,
    Machine,
    Mode,
    Operation,
    Problem,
)
from scheduler.model.schedule import Assignment, Schedule


def mode(machine: str, family: str = "") -> Mode:
    return Mode(machine=machine, duration_us=5_000, family=family, setup_us=1_000 if family else 0)


def placed(operation: str, machine: str, start_us: int) -> Assignment:
    return Assignment(
        operation=operation, mode=0, machine=machine, start_us=start_us, end_us=start_us + 5_000
    )


def instance(
    *operations: Operation, exclusive: bool = True, edges: tuple[Edge, ...] = ()
) -> Instance:
    links = (Link(source="m", target="n", latency_us=700),) if edges else ()
    problem = Problem(
        machines=(Machine(id="m", exclusive=exclusive), Machine(id="n")),
        jobs=(Job(id="a", deadline_us=9_000),),
        operations=operations,
        edges=edges,
        links=links,
    )
    return parse(write(problem).encode(), "problem.json")


def test_microseconds_are_drawn_as_milliseconds() -> None:
    one = instance(Operation(id="a/x", job="a", modes=(mode("m"),)))
    chart = chart_of(one, Schedule(assignments=(placed("a/x", "m", 0),)), title="", notes="")
    assert (chart.unit, chart.end, chart.blocks[0].label) == ("ms", 5.0, "x")
    assert [(d.at, d.missed) for d in chart.deadlines] == [(9.0, False)]


def test_a_setup_is_drawn_only_where_the_session_changes() -> None:
    operations = [Operation(id=f"a/{i}", job="a", modes=(mode("m", "f"),)) for i in range(2)]
    schedule = Schedule(assignments=(placed("a/0", "m", 1_000), placed("a/1", "m", 6_000)))
    chart = chart_of(instance(*operations), schedule, title="", notes="")
    assert [block.setup for block in chart.blocks] == [1.0, 0.0]


def test_a_transfer_is_drawn_in_the_row_of_the_machine_that_waits_for_it() -> None:
    operations = [Operation(id=f"a/{m}", job="a", modes=(mode(m),)) for m in ("m", "n")]
    schedule = Schedule(assignments=(placed("a/m", "m", 0), placed("a/n", "n", 5_700)))
    one = instance(*operations, edges=(Edge(source="a/m", target="a/n", size_bytes=1),))
    (transfer,) = chart_of(one, schedule, title="", notes="").transfers
    assert (transfer.row, transfer.start, transfer.end) == (1, 5.0, 5.7)


def test_a_machine_that_runs_many_at_once_has_as_many_rows_as_it_needs() -> None:
    operations = [Operation(id=f"a/{i}", job="a", modes=(mode("m"),)) for i in range(3)]
    starts_us = (0, 2_000, 5_000)
    schedule = Schedule(
        assignments=tuple(placed(o.id, "m", s) for o, s in zip(operations, starts_us, strict=True))
    )
    chart = chart_of(instance(*operations, exclusive=False), schedule, title="", notes="")
    assert chart.rows == ("m", "m/2", "n")
    assert [block.row for block in chart.blocks] == [0, 1, 0]
