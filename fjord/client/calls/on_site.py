"""The methods on the site: its machines, its plan, its policy, its predictions."""

from __future__ import annotations

import httpx

from fjord.client.calls.asking import answer_of, get
from fjord.client.wire import Json, Repeat, Request, Steps

SIGN_OF_LIFE_S = 15.0
"""The live stream is never silent for longer, also where nothing changes."""


def devices() -> Steps[list[Json]]:
    """List the machines of all boxes that have joined."""
    answer = yield from get("/v1/devices")
    return list(answer["machines"])


def ready() -> Steps[Json]:
    """Ask once if runs are planned; an error with the reason if not."""
    return answer_of((yield Request(method="GET", path="/readyz", repeat=Repeat.NEVER)))


def events() -> Steps[httpx.Response]:
    """Open the live stream of the site: lines of server-sent events, without an end."""
    return (yield Request(method="GET", path="/v1/events", wait_s=SIGN_OF_LIFE_S, is_stream=True))


def schedule() -> Steps[Json]:
    """Show the plan and its progress, machine by machine."""
    return (yield from get("/v1/schedule"))


def policy() -> Steps[Json]:
    """Show the policy by which work is placed."""
    return (yield from get("/v1/policy"))


def set_policy(placement: str, *, improve: bool = True) -> Steps[Json]:
    """Choose the policy by which work is placed.

    Parameters
    ----------
    placement
        Name of the heuristic that places at once.
    improve
        Lets a solver propose better plans.
    """
    body = {"placement": placement, "improve": improve}
    response = yield Request(method="PUT", path="/v1/policy", body=body)
    return answer_of(response)


def predictions(
    work: str, *, machine: str = "", provider: str = "", load: str = "", neighbour: str = ""
) -> Steps[list[Json]]:
    """Predict the time of a model or function, one entry per machine and provider.

    Parameters
    ----------
    machine, provider
        The only machine, the only provider to predict for; empty for all.
    load, neighbour
        Load beside it, such as ``compute:1:60`` and ``memory``, commas between several;
        nothing else goes on if both are empty.
    """
    found = yield from get(
        "/v1/cost-models/predictions",
        work=work,
        machine=machine,
        provider=provider,
        load=load,
        neighbour=neighbour,
    )
    listed: list[Json] = found["predictions"]
    return listed
