"""Word of the boxes that join a site: which agent came, and with which machines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

SOON_S = 0.5
"""Pause between two looks while nobody has joined."""
LATER_S = 5.0


class Joins:
    """The machines that have joined and are not lost."""

    def __init__(self) -> None:
        self._there: set[str] = set()

    def news(self, machines: Sequence[Mapping[str, Any]]) -> list[str]:
        """Take in a list of machines, and say which have come since the one before.

        One that is busy with its worker, or suspected, has not gone for that.
        """
        self._there &= {each["report"]["id"] for each in machines if each["state"] != "lost"}
        new: dict[str, list[str]] = {}
        for machine in machines:
            name = machine["report"]["id"]
            if machine["state"] == "up" and name not in self._there:
                self._there.add(name)
                new.setdefault(machine["agent"], []).append(_called(machine["report"]))
        return [f"{agent} has joined with {', '.join(each)}" for agent, each in new.items()]

    @property
    def is_empty(self) -> bool:
        """True if nobody was there."""
        return not self._there


def _called(report: Mapping[str, Any]) -> str:
    """A machine in words: its lane, and the providers that drive it."""
    providers = [each["provider"] for each in report["providers"] if each["verdict"] == "usable"]
    return f"{report['id'].rpartition('/')[2]} ({', '.join(providers)})"


async def tell_joins(url: str, token: str, say: Callable[[str], None]) -> None:
    """Say who joins a service, until cancelled.

    Parameters
    ----------
    token
        One that may read; empty where none is needed.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    joins, before = Joins(), 0
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        while True:
            # A service that is started again does not answer for a moment.
            with contextlib.suppress(httpx.HTTPError):
                # Machines are looked at where their number is another: the look is not for free, as
                # the service takes it for a person who looks on.
                if (now := await _machines_up(client)) != before:
                    before = now
                    answer = (await client.get("/v1/devices")).raise_for_status()
                    for line in joins.news(answer.json()["machines"]):
                        say(line)
            await asyncio.sleep(SOON_S if joins.is_empty else LATER_S)


async def _machines_up(client: httpx.AsyncClient) -> int:
    answer = await client.get("/readyz")
    return int(answer.json()["machines"]) if answer.is_success else 0
