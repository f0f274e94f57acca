"""``fjord record`` and ``fjord replay``: a live site in a file, and its decisions made again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options, output

if TYPE_CHECKING:
    from api.process.settings import Settings
    from api.tools.recording.file import DecidingSettings, Head, Recording
    from api.tools.recording.replaying import Difference, Verdict
    from scheduler.control.brain import Brain

STATES = {True: "same", False: "not shown to be the same", None: "not compared"}
US_PER_S = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(record)
    app.command()(replay)


def record(
    file: Annotated[Path, typer.Argument(help="File to be written.", dir_okay=False)],
    data: options.Data = None,
    store_url: options.StoreUrl = "",
    as_json: options.Json = False,
) -> None:
    """Write a site's log, checkpoint and costs to one file. It may run meanwhile."""
    import asyncio
    import os
    from dataclasses import replace

    from api.process.settings import Settings
    from api.tools.recording.file import pack
    from api.tools.recording.replaying import decided

    settings = Settings.from_environment()
    settings = replace(
        settings,
        data_dir=data or settings.data_dir,
        store_url=store_url or settings.store_url,
    )
    found = asyncio.run(_taken(settings))
    decisions, verdict = decided(found, _brain)
    packed = pack(_head(settings, found), replace(found, decisions=decisions))
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        part.write_bytes(packed)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    if as_json:
        shown = {"file": str(file), "bytes": len(packed), **_plain(verdict)}
        return output.print_json(shown)
    output.tell(f"{file}: {verdict.events} events, {len(packed)} bytes")
    output.tell(f"state at the site's own checkpoint: {STATES[verdict.state]}")


def replay(
    file: Annotated[Path, typer.Argument(help="A recording.", exists=True, dir_okay=False)],
    upto: Annotated[
        str, typer.Option(help="Last time of events, in ISO 8601.", metavar="TIME")
    ] = "",
    as_json: options.Json = False,
) -> None:
    """Decide a recording again. Exit 1 if this release decides otherwise."""
    from api.tools.recording import replaying
    from api.tools.recording.file import unpack

    head, found = unpack(file.read_bytes())
    verdict = replaying.replay(found, _brain, upto_us=_time_us(upto) if upto else None)
    if as_json:
        output.print_json({"release": head.release, "host": head.host, **_plain(verdict)})
    else:
        _print(head, verdict)
    if verdict.first is not None:
        raise typer.Exit(1)


async def _taken(settings: Settings) -> Recording:
    from api.tools.recording.file import DecidingSettings
    from api.tools.recording.opening import opened
    from api.tools.recording.taking import take

    deciding = DecidingSettings(
        fill_share=settings.profile_share,
        age_us=settings.age_s * US_PER_S,
        unplaceable_us=settings.unplaceable_s * US_PER_S,
    )
    async with opened(settings) as store:
        return await take(store, settings.data_dir, deciding)


def _head(settings: Settings, found: Recording) -> Head:
    import platform

    from api.tools.recording.file import Head
    from fjord import __version__

    host = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return Head(site=settings.site, release=__version__, host=host, events=len(found.entries))


def _brain(folder: Path, settings: DecidingSettings) -> Brain:
    from api.wiring import build_brain
    from scheduler.control.brain import BrainSettings

    return build_brain(
        folder,
        brain_settings=BrainSettings(
            fill_share=settings.fill_share,
            age_us=settings.age_us,
            unplaceable_us=settings.unplaceable_us,
        ),
    )


def _time_us(text: str) -> int:
    from scheduler.model.errors import InvalidInput

    try:
        return round(datetime.fromisoformat(text).timestamp() * US_PER_S)
    except ValueError:
        raise InvalidInput(f"--upto must be an ISO 8601 time; got {text!r}") from None


def _plain(verdict: Verdict) -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(verdict)
    return found | {"same": verdict.first is None, "state": STATES[verdict.state]}


def _print(head: Head, verdict: Verdict) -> None:
    output.tell(f"recorded by Fjord {head.release} on {head.host}")
    output.tell(f"events folded: {verdict.events} of {head.events}")
    output.tell(f"decisions: {_said(verdict.first)}")
    output.tell(f"state at the site's own checkpoint: {STATES[verdict.state]}")


def _said(first: Difference | None) -> str:
    if first is None:
        return "same"
    at = datetime.fromtimestamp(first.at_us / US_PER_S).isoformat(" ", "milliseconds")
    where = f"event {first.event} ({first.kind}, {at})"
    return f"differ from {where} on"
