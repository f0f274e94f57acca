"""``fjord models``: models that were uploaded, and their measurements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output
from api.cli.partitions import partitions
from scheduler.model.errors import InvalidInput

if TYPE_CHECKING:
    from fjord import Client

app = typer.Typer(help="Models: upload, list, show, cut, delete.", no_args_is_help=True)
app.command()(partitions)

Shape = Annotated[
    list[str],
    typer.Option("--shape", help="Input shape to measure with, such as x=1,3,48,320. Repeatable."),
]
Example = Annotated[
    list[str],
    typer.Option(
        "--example",
        help="Value of an input to measure with, such as sr=16000 or state=state.npy. Repeatable.",
    ),
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
    example: Example = [],  # noqa: B006
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="Wait for the verdicts of all devices (simulators follow); exit with 1 if no "
            "machine can run the model.",
        ),
    ] = False,
) -> None:
    """Upload a model; it is then measured on every machine that may run it.

    The same file again with other shapes or examples is measured anew.
    """
    shapes = dict(parse_shape(text) for text in shape) or None
    examples = dict(parse_example(text) for text in example) or None
    with remote.client() as client:
        model = client.upload_model(
            name or file.stem, file, profile_shapes=shapes, profile_inputs=examples
        )
        if not remote.as_json:
            _print_uploaded(model)
        if wait:
            wait_until_profiled(client, [model["name"]], quiet=remote.as_json)
            model = client.model(model["name"])
    if remote.as_json:
        output.print_json(model)
    elif wait:
        _print_verdicts(model)
    if wait and not any(profile["verdict"] == "usable" for profile in model["profiles"]):
        if not remote.as_json:
            output.console().print(f"no machine can run {model['name']}", style="red")
        raise typer.Exit(1)


def _print_uploaded(model: dict[str, Any]) -> None:
    output.console().print(f"uploaded [bold]{model['name']}[/bold] ({model['digest'][:12]})")
    for note in model["notes"]:
        output.note(note)


def parse_example(text: str) -> tuple[str, Any]:
    """Read ``sr=16000``, ``box=[[0,0,8,8]]``, ``name=some text`` or ``state=state.npy``.

    Examples
    --------
    >>> parse_example("sr=16000"), parse_example("label=a b")
    (('sr', 16000), ('label', 'a b'))
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        law = "--example must be NAME=VALUE or NAME=FILE.npy"
        raise InvalidInput(f"{law}; got {text!r}", field="example")
    if value.endswith(".npy"):
        return name, _array_of(Path(value))
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _array_of(path: Path) -> Any:
    import numpy as np

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"--example must name a .npy file; {path} is none: {error}", field="example"
        ) from None


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
    """Show a model and its measurements on each machine and provider."""
    with remote.client() as client:
        model = client.model(name)
    if remote.as_json:
        return output.print_json(model)
    output.console().print(f"{model['name']} {model['digest']}  {_signature(model)}", markup=False)
    for note in model["notes"]:
        output.note(note)
    _print_verdicts(model)


def _print_verdicts(model: dict[str, Any]) -> None:
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
        profile["reason"] or profile["note"],
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
