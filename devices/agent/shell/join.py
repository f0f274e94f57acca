"""Joining a site over HTTP: an agent tells its name, and learns the address of the store."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import httpx

from fjord import __version__
from scheduler.model.errors import AccessDenied, InvalidInput

log = logging.getLogger(__name__)
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Answer of the service to an agent that joins.

    Parameters
    ----------
    tensor_token
        Bearer token for tensors of other boxes, the same in the whole site.
    """

    site: str
    store_url: str
    tensor_token: str


async def join(client: httpx.AsyncClient, agent: str, box: str, token: str) -> Joined:
    """Ask the service until it answers.

    Raises
    ------
    AccessDenied
        If the token is wrong or lacks the scope `agent`: no retry will help.
    InvalidInput
        If the service refuses for another reason.
    """
    body = {"agent": agent, "box": box, "version": __version__}
    pause_s = FIRST_PAUSE_S
    while True:
        answer = await _ask(client, body, token)
        if answer is not None:
            return answer
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def _ask(client: httpx.AsyncClient, body: dict[str, str], token: str) -> Joined | None:
    """Join once; ``None`` if another attempt may do."""
    try:
        answer = await client.post("/v1/agents", json=body, headers=bearer(token))
    except httpx.TransportError as error:
        log.warning("%s does not answer: %s", client.base_url, error)
        return None
    if answer.status_code in {401, 403}:
        raise AccessDenied(
            f"{client.base_url} refuses the token: {_detail(answer)}. "
            "Give one with the scope `agent` by --token or FJORD_TOKEN"
        )
    if answer.status_code >= 500 or answer.status_code == 429:
        log.warning("%s answers %s", client.base_url, answer.status_code)
        return None
    if answer.is_error:
        raise InvalidInput(f"{client.base_url} refuses the agent: {_detail(answer)}")
    given: dict[str, Any] = answer.json()
    return Joined(
        site=given["site"],
        store_url=given["store_url"],
        tensor_token=given.get("tensor_token", token),
    )


def bearer(token: str) -> dict[str, str]:
    """Headers that carry a token; none if there is none."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail", answer.status_code))
    except ValueError:
        return str(answer.status_code)
