"""The methods on history: missed deadlines and plans."""

from __future__ import annotations

from fjord.client.calls.asking import get
from fjord.client.wire import Json, Steps


def misses(*, since: str = "", until: str = "", limit: int = 100) -> Steps[list[Json]]:
    """List the deadlines and due dates that runs did not keep, each with its cause.

    Parameters
    ----------
    since, until
        A span back from now (``90m``, ``2h``, ``7d``), ISO 8601, or microseconds.
    """
    answer = yield from get("/v1/history/misses", **_params(since, until, limit))
    return list(answer["misses"])


def plans(*, since: str = "", until: str = "", limit: int = 100) -> Steps[list[Json]]:
    """List plans that were in force or proposed, each with what became of it; as `misses`."""
    answer = yield from get("/v1/history/plans", **_params(since, until, limit))
    return list(answer["plans"])


def _params(since: str, until: str, limit: int) -> dict[str, str]:
    given = {"since": since, "until": until, "limit": str(limit)}
    return {name: value for name, value in given.items() if value}
