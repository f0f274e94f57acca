"""An agent played by a test: it speaks the agent's side of the wire and runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.store import FIRST, Store
from api.store.codec import entries
from scheduler.control.workload import Stage, StageInput, Workload
from scheduler.model import keys
from scheduler.model.messages import (
    AgentJoined,
    AgentPlan,
    Dispatch,
    MachineReport,
    OperationFinished,
    OperationStarted,
    ProviderReport,
    TensorRef,
    Value,
    Verdict,
    WorkKind,
)

SMALL = Value(tensors=(TensorRef(dtype="uint8", shape=(1,), size_bytes=1, inline=b"\0"),))


def chain(name: str = "chain", length: int = 3) -> Workload:
    stages = tuple(
        Stage(
            name=f"s{i}",
            kind=WorkKind.FUNCTION,
            target="work",
            inputs=(
                StageInput(name="x", stage=f"s{i - 1}" if i else "", output="out" if i else "x"),
            ),
            outputs=("out",),
        )
        for i in range(length)
    )
    return Workload(name=name, version=1, stages=stages, outputs={"y": (f"s{length - 1}", "out")})


@dataclass
class HandAgent:
    """Speaks the agent's side of the wire, and finishes its operations when told to."""

    store: Store
    name: str = "a"
    incarnation: str = "1"
    plans: list[AgentPlan] = field(default_factory=list)
    finished: set[tuple[str, int]] = field(default_factory=set)
    _after: str = FIRST

    async def join(self) -> None:
        await self.beat()
        provider = ProviderReport(provider="cpu", device_class="cpu", verdict=Verdict.USABLE)
        machine = MachineReport(
            id=f"{self.name}/cpu0",
            device="cpu",
            device_class="cpu",
            cores=(0,),
            memory_bytes=1 << 30,
            providers=(provider,),
            functions=("work",),
        )
        joined = AgentJoined(
            at_us=self.store.now_us(),
            agent=self.name,
            incarnation=self.incarnation,
            box="box",
            url="",
            machines=(machine,),
        )
        await self.store.append(joined)

    async def beat(self, ttl_s: int = 600) -> None:
        key = keys.heartbeat(self.store.site, self.name)
        await self.store.call("SET", key, self.incarnation, "EX", ttl_s)

    async def die(self) -> None:
        await self.store.call("DEL", keys.heartbeat(self.store.site, self.name))

    async def next_plans(self) -> list[AgentPlan]:
        key = keys.plans(self.store.site, self.name)
        found = await self.store.read({key: self._after}, block_ms=200, count=100)
        plans = entries(found.get(key, []), {"AgentPlan": AgentPlan})
        if plans:
            self._after = plans[-1][0]
        self.plans += [plan for _, plan in plans]
        return [plan for _, plan in plans]

    async def work(self) -> None:
        """Finish everything that the latest plans ask for."""
        for plan in await self.next_plans():
            await self.carry_out(plan)

    async def carry_out(self, plan: AgentPlan) -> None:
        """Finish everything that a plan asks for."""
        for queue in plan.queues.values():
            for dispatch in queue:
                await self._finish(dispatch)

    async def work_forever(self) -> None:
        while True:
            await self.work()

    async def _finish(self, dispatch: Dispatch) -> None:
        pair = (dispatch.operation, dispatch.attempt)
        if pair in self.finished:
            return
        self.finished.add(pair)
        at_us = self.store.now_us()
        started = OperationStarted(
            at_us=at_us,
            operation=dispatch.operation,
            attempt=dispatch.attempt,
            run=dispatch.run,
            machine=dispatch.machine,
        )
        ended = OperationFinished(
            at_us=at_us + 1,
            operation=dispatch.operation,
            attempt=dispatch.attempt,
            run=dispatch.run,
            machine=dispatch.machine,
            started_us=at_us,
            compute_us=1,
            outputs={"out": SMALL},
        )
        await self.store.append(started, ended)
