"""Patience with a busy service: requests that it refuses for now are sent again, within bounds."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import httpx

from fjord.client.wire import Pause, Repeat, Request, Steps
from fjord.errors import FjordApiError

T = TypeVar("T")

PATIENCE_S = 30.0
"""Most seconds of pauses for one request: a store that starts again takes 10."""
BUSY = frozenset({429, 503})
"""Too many requests, and not available now."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
"""Each pause is twice the one before, where the service asks for no longer one."""
SPREAD = 0.5
"""Share by which a pause may be longer, so that many callers do not come back at once."""


def patient(
    steps: Steps[T], patience_s: float, chance: Callable[[], float] = random.random
) -> Steps[T]:
    """Repeat each request of a method while the service is busy and repeating it is safe.

    Parameters
    ----------
    patience_s
        Most seconds of pauses for one request; with 0 the first refusal is raised.
    chance
        Draws a number from 0 to 1.
    """
    try:
        step = next(steps)
        while True:
            try:
                if isinstance(step, Request):
                    answer = yield from _insist(step, patience_s, chance)
                else:
                    answer = yield step
            except FjordApiError as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result


def _insist(
    request: Request, patience_s: float, chance: Callable[[], float]
) -> Steps[httpx.Response]:
    left_s, tries = min(patience_s, request.patience_s), 0
    while True:
        try:
            return (yield request)
        except FjordApiError as error:
            pause_s = _pause_s(tries, error.retry_after_s or 0.0, chance())
            if pause_s > left_s or not _may_repeat(request, error):
                raise
            if error.run:
                request = replace(request, params={**request.params, "run": error.run})
        left_s, tries = left_s - pause_s, tries + 1
        yield Pause(pause_s)


def _may_repeat(request: Request, error: FjordApiError) -> bool:
    """True if the service was busy, and sending the request again does nothing twice."""
    if error.status not in BUSY:
        return False
    if request.repeat is Repeat.IF_REFUSED:
        # The service says when to come back if it accepted nothing. A proxy that says nothing may
        # have passed the request on.
        return bool(error.run) or error.retry_after_s is not None
    return request.repeat is Repeat.ALWAYS


def _pause_s(tries: int, asked_s: float, drawn: float) -> float:
    own_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**tries)
    return max(asked_s, own_s) * (1.0 + SPREAD * drawn)
