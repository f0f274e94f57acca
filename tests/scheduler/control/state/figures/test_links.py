"""Ways between boxes: who measures them and when, and what they do to a plan."""

from __future__ import annotations

from typing import Any

import pytest

from scheduler.control.commands import Command
from scheduler.control.events import Tick
from scheduler.control.records.costs import KnownLink
from scheduler.model.links import LinkMeasured, Transfer
from scheduler.model.messages import AgentLost, OperationFinished
from scheduler.model.problem import Band
from tests.scheduler.site import added, agent_joined, chain, single, submitted, value
from tests.scheduler.watched import Watched, dispatch_of, machines_of_readers, plans, start

MB = 1_000_000


def told(source: str, target: str, *, at_us: int = 0, **figures: Any) -> LinkMeasured:
    figures = {"latency_us": 200, "bytes_per_s": 1_000 * MB, **figures}
    return LinkMeasured(
        at_us=at_us, agent=target, source=f"box-{source}", target=f"box-{target}", **figures
    )


def asks(commands: list[Command]) -> list[tuple[str, str]]:
    """Agents that were asked to measure a link, and from where."""
    return [(plan.agent, ask.url) for plan in plans(commands) for ask in plan.measure]


def way(brain: Watched, source: str, target: str) -> KnownLink:
    pair = (f"box-{source}", f"box-{target}")
    return next(link for link in brain.costs(0).links if (link.source, link.target) == pair)


@pytest.fixture
def brain() -> Watched:
    """Two boxes of one lane each, and a way to each from the other."""
    watched = Watched()
    watched.feed(agent_joined("a"), agent_joined("b"))
    return watched


def test_newcomer_and_those_that_are_there_measure_each_other_in_turn() -> None:
    brain = Watched()
    assert asks(brain.handle(agent_joined("a"))) == []
    assert asks(brain.handle(agent_joined("b"))) == [("b", "http://a")]
    assert asks(brain.handle(told("a", "b"))) == [("a", "http://b")]
    assert asks(brain.handle(told("b", "a"))) == []


def test_few_ways_are_measured_at_a_time_and_no_box_is_in_two_of_them() -> None:
    brain = Watched()
    commands = brain.feed(*(agent_joined(f"n{i:02}") for i in range(12)))
    open_ways = dict.fromkeys(asks(commands))
    measured = 0
    while open_ways:
        assert len(open_ways) <= 2
        ends = [end for agent, url in open_ways for end in (agent, url.removeprefix("http://"))]
        assert len(set(ends)) == len(ends)
        agent, url = next(iter(open_ways))
        del open_ways[agent, url]
        commands = brain.handle(told(url.removeprefix("http://"), agent))
        open_ways.update(dict.fromkeys(asks(commands)))
        measured += 1
    assert measured == 12 * 11
    assert {link.provenance for link in brain.costs(0).links} == {"measured"}


def test_newcomer_of_a_large_site_is_measured_with_some_of_it() -> None:
    brain = Watched()
    brain.feed(*(agent_joined(f"n{i:02}") for i in range(40)))
    last = [pair for pair in brain.state.links.wanted if "box-n39" in pair]
    assert len(last) == 2 * 16


def test_nothing_is_measured_while_a_critical_run_is_on() -> None:
    brain = Watched()
    brain.feed(agent_joined("a"), added(single()))
    sent = dispatch_of(brain.handle(submitted("r-1", band=Band.CRITICAL)), "r-1/only")
    assert asks(brain.handle(agent_joined("b", at_us=10))) == []
    brain.handle(start(sent, 20))
    done = OperationFinished(
        at_us=10_020,
        operation=sent.operation,
        attempt=sent.attempt,
        run="r-1",
        machine=sent.machine,
        started_us=20,
        compute_us=1,
        outputs={"out": value()},
    )
    assert asks(brain.handle(done)) == [("b", "http://a")]


def test_agent_that_does_not_answer_leaves_its_way_assumed_and_the_next_is_asked(
    brain: Watched,
) -> None:
    commands = brain.handle(Tick(at_us=31_000_000))
    assert asks(commands) == [("a", "http://b")]
    link = way(brain, "a", "b")
    assert (link.provenance, link.latency_us, link.bytes_per_s) == ("assumed", 500, 100 * MB)
    assert link.note == "b was asked to measure it and said nothing"


def test_ways_of_a_lost_box_are_not_asked_for(brain: Watched) -> None:
    assert asks(brain.handle(AgentLost(at_us=5, agent="a"))) == []
    assert not brain.state.links.wanted
    assert not brain.state.links.asked


@pytest.mark.parametrize(
    ("figures", "note"),
    [
        ({"latency_us": -5}, "latency_us must be within 1 and 60000000; got -5"),
        ({"latency_us": 0}, "latency_us must be within 1 and 60000000; got 0"),
        ({"bytes_per_s": 0}, "bytes_per_s must be within 1000 and 10000000000000; got 0"),
        ({"bytes_per_s": 10**15}, "bytes_per_s must be within 1000 and"),
        ({"error": "no route to b"}, "no route to b"),
    ],
)
def test_nonsense_is_refused_with_its_law_and_the_way_stays_assumed(
    brain: Watched, figures: dict[str, Any], note: str
) -> None:
    brain.handle(told("a", "b", **figures))
    link = way(brain, "a", "b")
    assert (link.provenance, link.latency_us, link.bytes_per_s) == ("assumed", 500, 100 * MB)
    assert link.note.startswith(note)


def test_small_tensor_moves_and_a_big_one_stays_by_what_was_measured(brain: Watched) -> None:
    brain.feed(*(told(*pair, bytes_per_s=10 * MB) for pair in (("a", "b"), ("b", "a"))))
    assert len(machines_of_readers(brain, 100_000)) == 2
    assert len(machines_of_readers(brain, 5 * MB)) == 1


def test_way_that_proves_fast_moves_what_would_have_stayed(brain: Watched) -> None:
    assert len(machines_of_readers(brain, 20 * MB)) == 1
    brain.feed(*(told(*pair, bytes_per_s=2_000 * MB) for pair in (("a", "b"), ("b", "a"))))
    assert len(machines_of_readers(brain, 20 * MB)) == 2


def moved(brain: Watched, *transfers: Transfer) -> KnownLink:
    """Have an operation on b tell what it fetched."""
    name = f"r-{len(brain.log)}"
    run = submitted(name, at_us=100, allow=("b/*",))
    sent = dispatch_of(brain.feed(added(single()), run), f"{name}/only")
    done = OperationFinished(
        at_us=10_200,
        operation=sent.operation,
        attempt=sent.attempt,
        run=name,
        machine="b/cpu0",
        started_us=200,
        compute_us=9_000,
        outputs={"out": value()},
        transfers=transfers,
    )
    brain.handle(done)
    return way(brain, "a", "b")


def test_first_transfer_over_an_assumed_way_says_what_it_takes(brain: Watched) -> None:
    link = moved(brain, Transfer(source="box-a", size_bytes=50 * MB, duration_us=100_500))
    assert (link.provenance, link.transfers) == ("measured", 1)
    assert link.bytes_per_s == pytest.approx(500 * MB, rel=0.01)
    assert link.latency_us == 500


def test_transfers_correct_what_was_measured_ahead(brain: Watched) -> None:
    brain.handle(told("a", "b", bytes_per_s=1_000 * MB))
    for _ in range(30):
        link = moved(brain, Transfer(source="box-a", size_bytes=10 * MB, duration_us=50_200))
    assert link.bytes_per_s == pytest.approx(200 * MB, rel=0.05)


def test_small_transfers_correct_the_latency(brain: Watched) -> None:
    brain.handle(told("a", "b", latency_us=200))
    for _ in range(30):
        link = moved(brain, Transfer(source="box-a", size_bytes=8_192, duration_us=1_000))
    assert link.latency_us == pytest.approx(992, rel=0.05)
    assert link.bytes_per_s == 1_000 * MB


def test_one_transfer_beside_a_busy_way_does_not_turn_the_figures_over(brain: Watched) -> None:
    brain.handle(told("a", "b", bytes_per_s=1_000 * MB))
    link = moved(brain, Transfer(source="box-a", size_bytes=10 * MB, duration_us=60_000_000))
    assert link.bytes_per_s > 700 * MB


def test_transfers_without_a_size_or_a_time_teach_nothing(brain: Watched) -> None:
    link = moved(
        brain,
        Transfer(source="box-a", size_bytes=0, duration_us=5),
        Transfer(source="box-a", size_bytes=5, duration_us=-1),
    )
    assert (link.provenance, link.transfers) == ("assumed", 0)


def test_box_tells_what_handing_on_within_it_takes_and_plans_do_not_charge_it_twice(
    brain: Watched,
) -> None:
    brain.handle(told("a", "a", latency_us=60))
    assert way(brain, "a", "a").latency_us == 60
    assert brain.state.links.transfer_us("box-a", "box-a", 1_000 * MB) == 0


def test_plan_has_a_way_only_where_an_edge_may_take_it(brain: Watched) -> None:
    brain.feed(added(single()), submitted("r1"))
    problem = brain.state.plan.problem
    assert problem is not None
    assert problem.links == ()
    brain.feed(added(chain()), submitted("r2", "chain@1"))
    problem = brain.state.plan.problem
    assert problem is not None
    ways = {(link.source, link.target) for link in problem.links}
    assert ways == {("box-a", "box-b"), ("box-b", "box-a")}
