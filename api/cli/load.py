"""``fjord load``: load on this box, made on purpose, to see how work fares beside it."""

from __future__ import annotations

from typing import Annotated

import typer

from scheduler.model.errors import InvalidInput


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(load)


def load(
    kind: Annotated[str, typer.Option(help="compute, memory, mixed or bursty.")] = "mixed",
    cores: Annotated[int, typer.Option(min=1, help="Cores to load, the last ones.")] = 1,
    seconds: Annotated[float, typer.Option(help="Seconds of load, at most 600.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Of the bursts.")] = 0,
) -> None:
    """Make load on some cores for a while, as other programs of this box would."""
    from devices.box.host import usable_cores
    from devices.load_generator import LoadGenerator

    try:
        generator = LoadGenerator(kind, usable_cores()[-cores:], seconds, seed=seed)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    generator.start()
    try:
        generator.wait()
    finally:
        generator.stop()
