"""``fjord profile``: measure a registered model anew, and show the results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output
from api.cli.models import Shape, parse_shape
from scheduler.model.errors import Unavailable

if TYPE_CHECKING:
    from fjord import Client, Run

POLL_S = 1.0
ROWS_SHOWN = 25
"""Operators in the table: the longest. All of them are in the JSON."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(profile)


@options.grouped
def profile(
    model: Annotated[str, typer.Argument(help="Name of a model that was uploaded.")],
    remote: options.Remote,
    shape: Shape = [],  # noqa: B006 - typer makes a fresh list for every call
    machine: Annotated[
        list[str], typer.Option(help="Only on machines of this pattern. Repeatable.")
    ] = [],  # noqa: B006
    operators: Annotated[bool, typer.Option(help="Measure each operator, too.")] = False,
    timeout_s: Annotated[float, typer.Option(min=1, help="Longest wait, in seconds.")] = 600.0,
) -> None:
    """Measure a model anew, as work of the least urgent kind."""
    shapes = dict(parse_shape(text) for text in shape)
    with remote.client() as client:
        asked = client.profile(model, machines=machine, shapes=shapes, operators=operators)
        ended = _followed(client, asked, timeout_s, quiet=remote.as_json)
        found = client.profiles(model, operators=operators)
    mine = _of_run(ended, found)
    if remote.as_json:
        output.print_json({"run": ended.id, "state": ended.state, "profiles": mine})
    else:
        _print(mine, operators)
    if ended.state != "finished":
        raise Unavailable(f"{ended.id} {ended.state}: {ended.record['detail']}")


def _followed(client: Client, asked: Run, timeout_s: float, *, quiet: bool) -> Run:
    """Wait until a run has ended, and show how far it is and what it waits for."""
    waited_s = 0.0
    with output.progress("measuring", quiet=quiet) as shown:
        task = shown.add_task("", total=None)
        while True:
            try:
                return client.wait(asked, timeout_s=POLL_S)
            except TimeoutError:
                waited_s += POLL_S
                run = client.run(asked)
            operations = run.record["operations"]
            done = sum(operation["state"] == "done" for operation in operations)
            shown.update(task, completed=done, total=len(operations))
            if waited_s >= timeout_s:
                client.cancel(asked)
                why = run.record["detail"] or f"{done} of {len(operations)} measured"
                raise TimeoutError(f"{asked.id} was cancelled after {timeout_s:g} s: {why}")


def _of_run(run: Run, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The latest profile of each place where the run measured; profiles come newest first."""
    places = {(op["machine"], op["provider"]): None for op in run.record["operations"]}
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for answer in found:
        place = (answer["profile"]["machine"], answer["profile"]["provider"])
        if place in places and answer["profile"]["at_us"] >= run.record["submitted_us"]:
            kept.setdefault(place, answer)
    return [kept[place] for place in sorted(kept)]


def _print(answers: list[dict[str, Any]], operators: bool) -> None:
    numbers = ("p50 ms", "p95 ms", "expected ms", "prior ms", "load ms", "peak MiB", "kept MiB")
    columns = ("machine", "provider", "verdict", *numbers, "expected by", "reason")
    rows = [_row(answer) for answer in answers]
    output.print_table(columns, rows, right=numbers, empty="nothing was measured")
    if operators:
        for answer in answers:
            _print_operators(answer)


def _row(answer: dict[str, Any]) -> tuple[Any, ...]:
    profile = answer["profile"]
    return (
        profile["machine"],
        profile["provider"],
        profile["verdict"],
        output.milliseconds(answer["p50_us"]),
        output.milliseconds(answer["p95_us"]),
        output.milliseconds(profile["expected_us"] or None),
        output.milliseconds(answer["roofline_us"]),
        output.milliseconds(profile["load_us"]),
        f"{profile['peak_bytes'] / 1024**2:.1f}",
        f"{profile['resident_bytes'] / 1024**2:.1f}",
        profile["provenance"],
        profile["reason"],
    )


def _print_operators(answer: dict[str, Any]) -> None:
    profile, found = answer["profile"], answer["operators"]
    title = f"\n{profile['machine']} {profile['provider']}: {len(found)} operators"
    notes = [note for note in (profile["operators_note"], answer["note"]) if note]
    output.console().print("; ".join([title, *notes]), markup=False)
    longest = sorted(found, key=lambda row: -float(row["kernel_us"]))[:ROWS_SHOWN]
    numbers = ("us", "share", "Mflop", "kB", "roofline us")
    rows = [
        (
            row["op_type"],
            f"{row['kernel_us']:.1f}",
            f"{row['share']:.1%}",
            _scaled(row["flops"], 1e6),
            _scaled(row["moved_bytes"], 1e3),
            _scaled(row["roofline_us"], 1.0),
            row["name"],
        )
        for row in longest
    ]
    output.print_table(("type", *numbers, "operator"), rows, right=numbers, empty="none")


def _scaled(value: float | None, unit: float) -> str:
    return "" if value is None else f"{value / unit:.2f}"
