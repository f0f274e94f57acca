"""``fjord up``, ``fjord serve`` and ``fjord agent``: the processes that stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(serve)
    app.command()(agent)


def up(
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Start everything on this box: the store, the service with its dashboard, and an agent."""


def serve(
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Start the service alone, beside a store that runs elsewhere."""


def agent(
    server: Annotated[str, typer.Option(help="Address of the service to join.")],
    as_json: options.Json = False,
) -> None:
    """Offer the machines of this box to a service."""


def _settings(host: str, port: int, data: Path | None) -> Settings:
    settings = Settings.from_environment()
    return replace(settings, host=host, port=port, data_dir=data or settings.data_dir)
