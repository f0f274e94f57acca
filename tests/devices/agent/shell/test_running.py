"""Agents with real workers and a real store, driven by plans that the test writes."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from devices.tensors import TensorStore
from scheduler.model import keys
from scheduler.model.errors import DuplicateName
from scheduler.model.links import LinkMeasured
from scheduler.model.messages import (
    AgentDraining,
    AgentJoined,
    AgentLost,
    FailureReason,
    MachineDown,
    MachineUp,
    OperationFailed,
    OperationFinished,
    OperationStarted,
    Release,
    Value,
    Work,
    WorkKind,
)
from tests.agents import (
    SITE,
    Server,
    cached,
    call,
    controlling,
    dispatch,
    given,
    output_of,
    running_agent,
    slow_model,
    square,
)
from tests.onnx_models import model, node

PIXELS = np.arange(200 * 300 * 3, dtype=np.uint32).astype(np.uint8).reshape(200, 300, 3)


def png() -> Any:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, format="PNG")
    return np.frombuffer(file.getvalue(), np.uint8)


def test_a_chain_over_two_machines_hands_tensors_over_in_shared_memory(
    server: Server, tmp_path: Path
) -> None:
    mean = cached(tmp_path, model([node("ReduceMean", "x", "y")], inputs={"x": [1, 3, "h", "w"]}))

    async def scenario() -> None:
        store = TensorStore(tmp_path / "box", "box", "")
        async with running_agent(server, tmp_path), controlling(server) as controller:
            await controller.send(
                "a",
                dispatch(
                    "decode",
                    "a/cpu0",
                    call("decode_image"),
                    inputs={"data": given(store.put("r-1", "png", png()))},
                ),
                dispatch(
                    "prepare",
                    "a/cpu1",
                    call("resize_normalise"),
                    inputs={"image": output_of("decode", "image")},
                ),
                dispatch("mean", "a/cpu0", mean, inputs={"x": output_of("prepare", "tensor")}),
            )
            done = await controller.wait_for(OperationFinished, operation="r-1/mean")
            expected = (PIXELS / 255 - 0.5).mean() / 0.5
            assert np.isclose(store.get(done.outputs["y"]), expected, atol=1e-5)
            decoded = await controller.wait_for(OperationFinished, operation="r-1/decode")
            assert decoded.outputs["image"].tensors[0].key == "r-1/decode.1.image.0"
            assert done.at_us >= done.started_us >= decoded.at_us
            begun = [r.operation for r in controller.seen if isinstance(r, OperationStarted)]
            assert begun == ["r-1/decode", "r-1/prepare", "r-1/mean"]
            assert done.load is not None
            assert 0 < done.load.memory_used < 1
            assert done.load.pace_ns > 0
            await controller.send("a", release=(Release(run="r-1"),))
            await controller.send("a", dispatch("after", "a/cpu0", call("nothing")))
            await controller.wait_for(OperationFailed, operation="r-1/after")
            assert not (tmp_path / "box" / "r-1").exists()

    asyncio.run(scenario())


def test_an_agent_on_another_box_is_told_by_its_peer_and_fetches_from_it(
    server: Server, tmp_path: Path
) -> None:
    async def scenario() -> None:
        left = TensorStore(tmp_path / "left", "left", "")
        async with (
            running_agent(server, tmp_path, "a", "left", lanes=1),
            running_agent(server, tmp_path, "b", "right", lanes=1),
            controlling(server) as controller,
        ):
            waits = dispatch(
                "prepare",
                "b/cpu0",
                call("resize_normalise"),
                inputs={"image": output_of("decode", "image")},
            )
            decode = dispatch(
                "decode",
                "a/cpu0",
                call("decode_image"),
                inputs={"data": given(left.put("r-1", "png", png()))},
                notify=("b",),
            )
            await controller.send("b", waits)
            await controller.send("a", decode)
            done = await controller.wait_for(OperationFinished, operation="r-1/prepare")
            assert done.outputs["tensor"].tensors[0].box == "right"
            assert (tmp_path / "right" / "r-1" / "decode.1.image.0").exists()

    asyncio.run(scenario())


def test_a_killed_worker_fails_its_operation_and_the_machine_comes_back(
    server: Server, tmp_path: Path
) -> None:
    slow = cached(tmp_path, slow_model())
    quick = cached(tmp_path, slow_model(steps=1))

    async def scenario() -> None:
        store = TensorStore(tmp_path / "box", "box", "")
        x = {"x": given(store.put("r-1", "x", square(700)))}
        async with running_agent(server, tmp_path) as (agent, _), controlling(server) as controller:
            await controller.send("a", dispatch("slow", "a/cpu0", slow, inputs=x))
            await controller.wait_for(OperationStarted, operation="r-1/slow")
            os.kill(agent.lanes["a/cpu0"].pid or 0, signal.SIGKILL)
            failed = await controller.wait_for(OperationFailed, operation="r-1/slow")
            assert failed.reason is FailureReason.WORKER_CRASHED
            await controller.wait_for(MachineDown, machine="a/cpu0")
            await controller.wait_for(MachineUp, machine="a/cpu0")
            again = dispatch("slow", "a/cpu0", quick, inputs=x, attempt=2)
            await controller.send("a", again)
            await controller.wait_for(OperationFinished, operation="r-1/slow", attempt=2)

    asyncio.run(scenario())


def test_a_stopped_model_ends_at_its_next_node_and_the_worker_lives(
    server: Server, tmp_path: Path
) -> None:
    slow = cached(tmp_path, slow_model())

    async def scenario() -> None:
        store = TensorStore(tmp_path / "box", "box", "")
        x = {"x": given(store.put("r-1", "x", square(700)))}
        async with running_agent(server, tmp_path) as (agent, _), controlling(server) as controller:
            await controller.send("a", dispatch("slow", "a/cpu0", slow, inputs=x))
            await controller.wait_for(OperationStarted, operation="r-1/slow")
            pid = agent.lanes["a/cpu0"].pid
            await controller.send("a", stop=(("r-1/slow", 1),))
            failed = await controller.wait_for(OperationFailed, operation="r-1/slow")
            assert failed.reason is FailureReason.CANCELLED
            assert agent.lanes["a/cpu0"].pid == pid

    asyncio.run(scenario())


def test_an_operation_that_hangs_is_ended_with_its_worker(server: Server, tmp_path: Path) -> None:
    slow = cached(tmp_path, slow_model())

    async def scenario() -> None:
        store = TensorStore(tmp_path / "box", "box", "")
        x = {"x": given(store.put("r-1", "x", square(700)))}
        async with running_agent(server, tmp_path), controlling(server) as controller:
            await controller.send(
                "a", dispatch("slow", "a/cpu0", slow, inputs=x, timeout_us=100_000)
            )
            failed = await controller.wait_for(OperationFailed, operation="r-1/slow")
            assert failed.reason is FailureReason.TIMEOUT
            await controller.wait_for(MachineUp, machine="a/cpu0")

    asyncio.run(scenario())


def test_a_profile_says_whether_the_model_is_right_there(server: Server, tmp_path: Path) -> None:
    work = cached(tmp_path, slow_model(steps=2))

    async def scenario() -> None:
        async with running_agent(server, tmp_path, lanes=1), controlling(server) as controller:
            measure = Work(
                kind=WorkKind.PROFILE,
                name=work.name,
                digest=work.digest,
                params={"shapes": {"x": [8, 8]}, "repeats": 3},
            )
            await controller.send("a", dispatch("profile", "a/cpu0", measure))
            done = await controller.wait_for(OperationFinished, operation="r-1/profile")
            assert done.profile is not None
            assert done.profile.machine == "a/cpu0"
            assert len(done.profile.samples_us) == 3

    asyncio.run(scenario())


def test_a_draining_agent_finishes_what_runs_and_takes_nothing_new(
    server: Server, tmp_path: Path
) -> None:
    slow = cached(tmp_path, slow_model(steps=60))

    async def scenario() -> None:
        store = TensorStore(tmp_path / "box", "box", "")
        x = {"x": given(store.put("r-1", "x", square(700)))}
        async with (
            running_agent(server, tmp_path) as (agent, task),
            controlling(server) as controller,
        ):
            await controller.send(
                "a",
                dispatch("slow", "a/cpu0", slow, inputs=x),
                dispatch("next", "a/cpu0", slow, inputs=x),
            )
            await controller.wait_for(OperationStarted, operation="r-1/slow")
            agent.drain()
            await asyncio.wait_for(task, 30)
            await controller.wait_for(AgentLost, agent="a")
            order = [type(r) for r in controller.seen if not isinstance(r, LinkMeasured)]
            assert order[1:] == [OperationStarted, AgentDraining, OperationFinished, AgentLost]
            assert not await controller.client.exists(keys.heartbeat(SITE, "a"))

    asyncio.run(scenario())


def test_reports_wait_while_the_store_is_away(server: Server, tmp_path: Path) -> None:
    slow = cached(tmp_path, slow_model(steps=40))

    async def scenario() -> None:
        store = TensorStore(tmp_path / "box", "box", "")
        x = {"x": given(store.put("r-1", "x", square(700)))}
        async with running_agent(server, tmp_path), controlling(server) as controller:
            await controller.send(
                "a",
                dispatch("one", "a/cpu0", slow, inputs=x),
                dispatch("two", "a/cpu0", slow, inputs={"x": output_of("one", "y")}),
            )
            await controller.wait_for(OperationStarted, operation="r-1/one")
            server.kill()
            await asyncio.to_thread(server.start)
            await controller.wait_for(OperationFinished, operation="r-1/two")
            await controller.send("a", dispatch("three", "a/cpu0", slow, inputs=x))
            await controller.wait_for(OperationFinished, operation="r-1/three")

    asyncio.run(scenario())


def test_an_agent_that_was_given_up_joins_again_and_takes_new_plans(
    server: Server, tmp_path: Path
) -> None:
    async def scenario() -> None:
        scores = {
            "scores": given(TensorStore(tmp_path / "box", "box", "").put("r-1", "s", square(2)))
        }
        async with running_agent(server, tmp_path, lanes=1), controlling(server) as controller:
            first = await controller.wait_for(AgentJoined, agent="a")
            await controller.send("a", dispatch("one", "a/cpu0", call("arg_max"), inputs=scores))
            await controller.wait_for(OperationFinished, operation="r-1/one")
            controller.forget()
            await controller.give_up("a", first.incarnation)
            again = await controller.wait_for(AgentJoined, agent="a")
            assert again.incarnation != first.incarnation
            await controller.send("a", dispatch("one", "a/cpu0", call("arg_max"), inputs=scores))
            await controller.wait_for(OperationFinished, operation="r-1/one")

    asyncio.run(scenario())


def test_an_agent_that_nobody_missed_goes_on_as_it_is(server: Server, tmp_path: Path) -> None:
    async def scenario() -> None:
        empty = Value(tensors=(), is_list=True)
        one = dispatch("one", "a/cpu0", call("gather_text"), inputs={"texts": given(empty)})
        async with controlling(server) as controller, AsyncExitStack() as stack:
            # A log begins before its agents do.
            await controller.give_up("b", "1")
            await stack.enter_async_context(running_agent(server, tmp_path, lanes=1))
            first = await controller.wait_for(AgentJoined, agent="a")
            # As a store that slept for longer than a heartbeat lives.
            await controller.client.delete(keys.heartbeat(SITE, "a"))
            while not await controller.client.exists(keys.heartbeat(SITE, "a")):
                await asyncio.sleep(0.02)
            await controller.send("a", one)
            await controller.wait_for(OperationFinished, operation="r-1/one")
            joined = [report for report in controller.seen if isinstance(report, AgentJoined)]
            assert joined == [first]

    asyncio.run(scenario())


def test_of_two_agents_with_one_name_the_older_leaves(server: Server, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_agent(server, tmp_path, lanes=1) as (_, older):
            async with controlling(server) as controller:
                await controller.wait_for(AgentJoined, agent="a")
            async with running_agent(server, tmp_path, lanes=1) as (_, newer):
                with pytest.raises(DuplicateName, match="another agent joined as 'a'"):
                    await asyncio.wait_for(older, 30)
                assert not newer.done()

    asyncio.run(scenario())


def test_a_store_that_lost_its_data_is_joined_again(server: Server, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_agent(server, tmp_path, lanes=1), controlling(server) as controller:
            first = await controller.wait_for(AgentJoined, agent="a")
            await controller.client.flushall()
            controller.restart()
            again = await controller.wait_for(AgentJoined, agent="a")
            assert again.incarnation != first.incarnation
            empty = Value(tensors=(), is_list=True)
            one = dispatch("one", "a/cpu0", call("gather_text"), inputs={"texts": given(empty)})
            await controller.send("a", one)
            await controller.wait_for(OperationFinished, operation="r-1/one")

    asyncio.run(scenario())
