from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from api.controller.effects import Effects
from api.controller.fenced import FencedStore
from api.controller.intake import Intake
from api.controller.settings import ControllerStatus
from api.process.stalls import LoopStalls
from api.store import FIRST, Position, Store
from api.wiring import build_brain
from scheduler.model.problem import Band
from tests.api.controller.conftest import FAST

pytestmark = pytest.mark.anyio

Submit = Callable[..., Awaitable[None]]


async def test_plan_of_a_critical_run_leaves_before_the_next_run_is_taken_in(
    store: Store, submit: Submit, compiled: None
) -> None:
    lease = await store.take_lease("one", 60_000)
    assert lease is not None
    fenced = FencedStore(store, lease, FAST, resumed=lambda: None)
    written: list[Effects] = []
    intake = Intake(
        fenced,
        build_brain(),
        taken=FIRST,
        status=ControllerStatus(),
        stalls=LoopStalls(),
        written=written.append,
    )
    await submit("r-1")
    await submit("r-2", band=Band.CRITICAL)
    await submit("r-3")
    inbox = await store.inbox(Position(event=FIRST), block_ms=None, count=10)
    await intake.take_all(inbox.events)
    assert [list(effects.records) for effects in written] == [["r-1", "r-2"], ["r-3"]]
