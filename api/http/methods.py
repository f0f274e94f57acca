"""Methods that an address is served with."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Match
from starlette.types import Scope

_ROUTED = ("DELETE", "GET", "PATCH", "POST", "PUT")


def offered(routes: Iterable[BaseRoute], scope: Scope) -> tuple[str, ...]:
    """List the methods that the routes serve at the address of a request.

    The framework names those of one route, and an address may have several. `HEAD` is served
    wherever `GET` is: `PlainHttp` sees to that.
    """
    routes = tuple(routes)
    found = {method for method in _ROUTED if _serves(routes, scope, method)}
    return tuple(sorted(found | {"HEAD"} if "GET" in found else found))


def _serves(routes: tuple[BaseRoute, ...], scope: Scope, method: str) -> bool:
    asked = {"type": "http", "path": scope["path"], "method": method, "headers": []}
    return any(route.matches(asked)[0] is Match.FULL for route in routes)
