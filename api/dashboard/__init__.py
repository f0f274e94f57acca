"""The dashboard: static files that a browser runs. No build step, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FILES = Path(__file__).parent / "static"
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
"""Nothing is loaded from elsewhere, nothing is inline, and no page frames ours."""


class Dashboard(StaticFiles):
    """The files, with a policy that holds browsers to what they are."""

    def __init__(self) -> None:
        super().__init__(directory=FILES, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Give a file, and refuse other methods only where there is one."""
        found = await super().get_response(path, {**scope, "method": "GET"})
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(status_code=405, headers={"Allow": "GET, HEAD"})
        return found

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Give a file and the policy for it."""
        response = super().file_response(*args, **kwargs)
        response.headers["Content-Security-Policy"] = POLICY
        return response
