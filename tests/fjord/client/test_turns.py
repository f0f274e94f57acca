"""The order in which requests go out that a program makes in one go."""

from __future__ import annotations

import asyncio

from fjord.client import calls
from fjord.client.turns import Turns, rank_of
from fjord.client.wire import Request


async def order_of(ranks: list[int], cancelled: int | None = None) -> list[int]:
    """Places of requests in the order in which they went."""
    turns, gone = Turns(), []

    async def go(place: int) -> None:
        await turns.take(ranks[place])
        gone.append(place)

    tasks = [asyncio.create_task(go(place)) for place in range(len(ranks))]
    if cancelled is not None:
        asyncio.get_running_loop().call_soon(tasks[cancelled].cancel)
    await asyncio.gather(*tasks, return_exceptions=True)
    return gone


def test_the_most_urgent_go_first_and_equals_in_the_order_of_their_calls() -> None:
    assert asyncio.run(order_of([3, 0, 2, 0, 3])) == [1, 3, 2, 0, 4]


def test_a_call_that_is_given_up_holds_nobody_up() -> None:
    assert asyncio.run(order_of([3, 0, 2], cancelled=1)) == [2, 0]


def test_a_later_call_does_not_wait_for_earlier_ones() -> None:
    async def twice() -> list[int]:
        return [*await order_of([1]), *await order_of([0])]

    assert asyncio.run(twice()) == [0, 0]


def test_a_submission_has_the_rank_of_its_band_and_a_question_the_first() -> None:
    ranks = []
    for priority in ("critical", "high", "normal", "background", "unheard-of"):
        request = next(calls.submit("w", {}, priority=priority))
        assert isinstance(request, Request)
        ranks.append(request.rank)
    assert ranks == [0, 1, 2, 3, 0]
    question = next(calls.devices())
    assert isinstance(question, Request)
    assert question.rank == rank_of("critical")
