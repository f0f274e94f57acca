"""The dashboard: static files that a browser runs. No build step, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

FILES = Path(__file__).parent / "static"
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
"""Nothing is loaded from elsewhere, nothing is inline, and no page frames ours."""


class Dashboard(StaticFiles):
    """The files, with a policy that holds browsers to what they are."""

    def __init__(self) -> None:
        super().__init__(directory=FILES, html=True)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Give a file and the policy for it."""
        response = super().file_response(*args, **kwargs)
        response.headers["Content-Security-Policy"] = POLICY
        return response
