"""Links between real agents: measured over the path that tensors take, and told."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from devices.agent.shell.probing import BUDGET_US, LARGE_BYTES, SMALL_BYTES, SMALL_COUNT, measure
from devices.agent.shell.tensor_server import TensorApp, serving
from devices.tensors import TensorStore
from scheduler.model.links import LinkAsk, LinkMeasured
from scheduler.model.messages import OperationFinished
from tests.agents import (
    Server,
    call,
    controlling,
    dispatch,
    given,
    running_agent,
    square,
)
from tests.scheduler.site import agent_joined
from tests.scheduler.watched import Watched, machines_of_readers

PLAUSIBLE_LATENCY_US = range(10, 200_000)
PLAUSIBLE_BYTES_PER_S = range(1_000_000, 100_000_000_000)


class Wire:
    """A link of known latency and rate, and the clock beside it."""

    def __init__(self, latency_us: int, bytes_per_s: int) -> None:
        self.latency_us, self.bytes_per_s = latency_us, bytes_per_s
        self.now_us = 0
        self.sizes: list[int] = []

    async def move(self, size: int) -> None:
        self.sizes.append(size)
        self.now_us += self.latency_us + size * 1_000_000 // self.bytes_per_s

    def measured(self) -> tuple[int, int]:
        return asyncio.run(measure(self.move, lambda: self.now_us))


def test_latency_and_rate_of_a_quick_way_are_found_within_the_budget() -> None:
    wire = Wire(latency_us=300, bytes_per_s=1_000_000_000)
    latency_us, bytes_per_s = wire.measured()
    assert latency_us == pytest.approx(308, abs=1)
    assert bytes_per_s == pytest.approx(1_000_000_000, rel=0.01)
    assert wire.now_us <= BUDGET_US
    assert wire.sizes[-1] == LARGE_BYTES[-1]


def test_slow_link_is_asked_for_less() -> None:
    wire = Wire(latency_us=2_000, bytes_per_s=10_000_000)
    _, bytes_per_s = wire.measured()
    assert wire.sizes == [SMALL_BYTES] * (1 + SMALL_COUNT) + [LARGE_BYTES[0]]
    assert bytes_per_s == pytest.approx(10_000_000, rel=0.05)


def test_two_real_agents_measure_their_links_and_a_plan_follows_the_figures(
    server: Server, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with (
            running_agent(server, tmp_path, "a", "left", lanes=1) as (left, _),
            running_agent(server, tmp_path, "b", "right", lanes=1) as (right, _),
            controlling(server) as controller,
        ):
            await controller.send("b", measure=(LinkAsk(box="left", url=left.url),))
            await controller.send("a", measure=(LinkAsk(box="right", url=right.url),))
            for source in ("left", "right"):
                for target in ("left", "right"):
                    told.append(
                        await controller.wait_for(LinkMeasured, source=source, target=target)
                    )
            assert not list((tmp_path / "right" / "blank").iterdir())

    told: list[LinkMeasured] = []
    asyncio.run(scenario())
    for link in told:
        assert link.error == ""
        assert link.latency_us in PLAUSIBLE_LATENCY_US
        assert link.bytes_per_s in PLAUSIBLE_BYTES_PER_S
    brain = Watched()
    brain.feed(agent_joined("a", box="left"), agent_joined("b", box="right"), *told)
    # A reader takes 100 ms: a tensor moves in a fraction of it, and stays where that takes minutes.
    assert len(machines_of_readers(brain, 10_000)) == 2
    assert len(machines_of_readers(brain, 10**13)) == 1


def test_way_from_a_box_that_does_not_answer_is_told_with_the_reason(
    server: Server, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with running_agent(server, tmp_path, lanes=1), controlling(server) as controller:
            ask = LinkAsk(box="gone", url="http://127.0.0.1:1")
            await controller.send("a", measure=(ask,))
            link = await controller.wait_for(LinkMeasured, source="gone")
            assert "cannot be fetched from http://127.0.0.1:1" in link.error

    asyncio.run(scenario())


def test_operation_tells_what_was_fetched_for_it(server: Server, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            running_agent(server, tmp_path, "a", "left", lanes=1) as (left, _),
            running_agent(server, tmp_path, "b", "right", lanes=1),
            controlling(server) as controller,
        ):
            store = TensorStore(tmp_path / "left", "left", left.url)
            scores = square(700)
            x = {"scores": given(store.put("r-1", "scores", scores))}
            await controller.send("b", dispatch("best", "b/cpu0", call("arg_max"), inputs=x))
            done = await controller.wait_for(OperationFinished, operation="r-1/best")
            (transfer,) = done.transfers
            assert (transfer.source, transfer.size_bytes) == ("left", scores.nbytes)
            assert transfer.duration_us > 0
            # Inputs that are here by now are not fetched again.
            await controller.send("b", dispatch("again", "b/cpu0", call("arg_max"), inputs=x))
            done = await controller.wait_for(OperationFinished, operation="r-1/again")
            assert done.transfers == ()

    asyncio.run(scenario())


def test_answers_do_not_wait_for_acknowledgements(tmp_path: Path) -> None:
    async def scenario() -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        async with serving(TensorApp(TensorStore(tmp_path, "box", "")), listener):
            return listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert asyncio.run(scenario())


@pytest.mark.parametrize("size", ["0", "-1", "x", "99999999999", ""])
def test_blank_tensor_of_a_senseless_size_is_not_there(size: str, tmp_path: Path) -> None:
    async def ask() -> int:
        transport = httpx.ASGITransport(TensorApp(TensorStore(tmp_path, "box", "")))
        async with httpx.AsyncClient(transport=transport, base_url="http://box") as client:
            return (await client.get(f"/tensors/blank/{size}")).status_code

    assert asyncio.run(ask()) == 404
