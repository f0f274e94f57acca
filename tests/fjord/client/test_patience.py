"""Requests that a busy service refuses, sent again. Nothing is sent, and nothing waits."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fjord import FjordApiError
from fjord.client import calls
from fjord.client.patience import patient
from fjord.client.wire import Pause, Request, Steps, checked

FULL = FjordApiError(429, "queue full", retry_after_s=1.0)
UNKNOWN = FjordApiError(503, "outcome unknown", run="r-1", retry_after_s=1.0)
BARE = FjordApiError(503, "Service Unavailable")


def refused(steps: Steps[Any], *errors: FjordApiError) -> tuple[list[Request], list[float]]:
    """Refuse so many requests, then accept; give the requests and the pauses between them."""
    requests, pauses, left = [], [], list(errors)
    try:
        step = next(steps)
        while True:
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                step = steps.send(None)  # type: ignore[arg-type]
                continue
            requests.append(step)
            accepted = httpx.Response(200, json={"run": "r-1"})
            step = steps.throw(left.pop(0)) if left else steps.send(accepted)
    except StopIteration:
        return requests, pauses


def patiently(steps: Steps[Any], patience_s: float = 30.0, drawn: float = 0.0) -> Steps[Any]:
    return patient(steps, patience_s, lambda: drawn)


def test_a_refused_submission_is_sent_again_as_it_was() -> None:
    (first, again), pauses = refused(patiently(calls.submit("w", {})), FULL)
    assert first == again
    assert pauses == [1.0]


def test_a_run_that_may_have_been_accepted_is_submitted_again_under_its_id() -> None:
    requests, _ = refused(patiently(calls.submit("w", {}, wait_s=2)), UNKNOWN, FULL)
    assert requests[0].params == {"wait_s": "2"}
    assert [each.params for each in requests[1:]] == [{"wait_s": "2", "run": "r-1"}] * 2


def test_a_submission_that_a_proxy_may_have_passed_on_is_not_sent_again() -> None:
    with pytest.raises(FjordApiError, match="Service Unavailable"):
        refused(patiently(calls.submit("w", {})), BARE)


def test_a_measuring_is_never_started_twice_and_a_question_is_asked_again() -> None:
    with pytest.raises(FjordApiError, match="queue full"):
        refused(patiently(calls.profile("m")), FULL)
    requests, _ = refused(patiently(calls.run("r-1")), BARE, BARE)
    assert len(requests) == 3


def test_the_question_if_a_site_is_ready_takes_no_for_an_answer() -> None:
    with pytest.raises(FjordApiError, match="Service Unavailable"):
        refused(patiently(calls.ready()), BARE)


def test_pauses_double_are_spread_and_are_never_shorter_than_the_service_asks_for() -> None:
    asked = FjordApiError(503, "busy", retry_after_s=5.0)
    errors = (BARE, BARE, asked, BARE)
    _, pauses = refused(patiently(calls.run("r-1"), patience_s=100.0, drawn=1.0), *errors)
    assert pauses == [0.75, 1.5, 7.5, 6.0]


def test_pauses_end_before_they_are_longer_than_the_patience() -> None:
    with pytest.raises(FjordApiError, match="queue full"):
        refused(patiently(calls.submit("w", {}), patience_s=2.5), FULL, FULL, FULL)
    with pytest.raises(FjordApiError, match="queue full"):
        refused(patiently(calls.submit("w", {}), patience_s=0.0), FULL)


def test_a_wait_is_patient_no_longer_than_it_is_asked_to_be() -> None:
    with pytest.raises(FjordApiError, match="queue full"):
        refused(patiently(calls.wait("r-1", timeout_s=0.1)), FULL)


def test_other_refusals_are_raised_at_once() -> None:
    with pytest.raises(FjordApiError, match="conflict"):
        refused(patiently(calls.run("r-1")), FjordApiError(409, "conflict", retry_after_s=1.0))


@pytest.mark.parametrize(("said", "seconds"), [("3", 3.0), ("Wed, 21 Oct 2026", None), ("", None)])
def test_the_time_to_come_back_is_read_from_the_header(said: str, seconds: float | None) -> None:
    with pytest.raises(FjordApiError) as raised:
        checked(httpx.Response(503, headers={"Retry-After": said}))
    assert raised.value.retry_after_s == seconds
