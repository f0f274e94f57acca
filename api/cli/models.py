"""``fjord models``: models that were uploaded, and their measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output
from scheduler.model.errors import InvalidInput

if TYPE_CHECKING:
    from fjord import Client

app = typer.Typer(help="Models: upload, list, show, delete.", no_args_is_help=True)

Shape = Annotated[
    list[str],
    typer.Option("--shape", help="Input shape to measure with, such as x=1,3,48,320. Repeatable."),
]


@app.command("list")
@options.grouped
def list_models(
    remote: options.Remote,
) -> None:
    """List the models."""
    with remote.client() as client:
        found = client.models()
    if remote.as_json:
        return output.print_json({"models": found})
    rows = [(m["name"], m["digest"][:12], _mib(m["size_bytes"]), _signature(m)) for m in found]
    columns = ("name", "digest", "MiB", "inputs")
    output.print_table(columns, rows, right=("MiB",), empty="no models yet: fjord models upload")


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:.1f}"


def _signature(model: dict[str, Any]) -> str:
    return " ".join(
        f"{port['name']}: {port['dtype']}[{','.join(map(str, port['shape']))}]"
        for port in model["inputs"]
    )


@app.command()
@options.grouped
def upload(
    file: Annotated[Path, typer.Argument(help="An .onnx file.", exists=True, dir_okay=False)],
    remote: options.Remote,
    name: Annotated[str, typer.Option(help="Name; that of the file by default.")] = "",
    shape: Shape = [],  # noqa: B006 - typer makes a fresh list for every call
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait until it is measured on all devices; simulators follow."),
    ] = False,
) -> None:
    """Upload a model; it is then measured on every machine that may run it."""
    shapes = dict(parse_shape(text) for text in shape) or None
    with remote.client() as client:
        model = client.upload_model(name or file.stem, file, profile_shapes=shapes)
        if wait:
            wait_until_profiled(client, [model["name"]], quiet=remote.as_json)
    if remote.as_json:
        return output.print_json(model)
    output.console().print(f"uploaded [bold]{model['name']}[/bold] ({model['digest'][:12]})")


def parse_shape(text: str) -> tuple[str, list[int]]:
    """Read ``x=1,3,48,320``.

    Examples
    --------
    >>> parse_shape("x=1,3,48,320")
    ('x', [1, 3, 48, 320])
    """
    name, _, sizes = text.partition("=")
    try:
        return name, [int(size) for size in sizes.split(",")]
    except ValueError:
        raise InvalidInput(
            f"--shape must be NAME=SIZE,SIZE,...; got {text!r}", field="shape"
        ) from None


def wait_until_profiled(client: Client, names: list[str], *, quiet: bool) -> None:
    """Wait for the measurements of models, and show how far they are."""
    with output.progress("measuring", quiet=quiet) as shown:
        task = shown.add_task("", total=None)
        client.wait_until_profiled(
            names,
            progress=lambda done, total: shown.update(
                task, completed=done, total=total, description="models by machine and provider"
            ),
        )


@app.command()
@options.grouped
def show(
    name: str,
    remote: options.Remote,
) -> None:
    """Show a model and what was measured of it on each machine and provider."""
    with remote.client() as client:
        model = client.model(name)
    if remote.as_json:
        return output.print_json(model)
    output.console().print(f"{model['name']} {model['digest']}  {_signature(model)}", markup=False)
    columns = ("machine", "provider", "verdict", "p50 ms", "load ms", "coverage", "reason")
    output.print_table(columns, map(_profile_row, model["profiles"]), empty="not measured yet")


def _profile_row(profile: dict[str, Any]) -> tuple[Any, ...]:
    samples = sorted(profile["samples_us"])
    return (
        profile["machine"],
        profile["provider"],
        profile["verdict"],
        output.milliseconds(samples[len(samples) // 2] if samples else None),
        output.milliseconds(profile["load_us"]),
        f"{profile['coverage']:.0%}",
        profile["reason"],
    )


@app.command()
@options.grouped
def delete(
    name: str,
    remote: options.Remote,
) -> None:
    """Delete a model that no workload uses."""
    with remote.client() as client:
        client.delete_model(name)
    if remote.as_json:
        return output.print_json({"deleted": name})
    output.console().print(f"deleted {name}")
