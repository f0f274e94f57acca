"""``fjord cost predict``: how long work takes where, as a distribution with its reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import options, output
from api.cli.models import parse_shape
from scheduler.model.errors import InvalidInput
from scheduler.model.measuring import IDLE, Load

_COLUMNS = ("machine", "provider", "p10 ms", "p50 ms", "p95 ms", "comes from", "runs", "reasons")
_NUMBERS = ("p10 ms", "p50 ms", "p95 ms", "runs")

Shape = Annotated[
    list[str],
    typer.Option("--shape", help="For a file: shape of an input, such as x=1,3,48,320."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("predict")(predict)


@options.grouped
def predict(
    remote: options.Remote,
    model: Annotated[
        str, typer.Argument(help="Name of a model or function, or an .onnx file of this computer.")
    ],
    machine: Annotated[str, typer.Option("--machine", help="Only on that machine.")] = "",
    provider: Annotated[str, typer.Option("--provider", help="Only by that provider.")] = "",
    shape: Shape = [],  # noqa: B006 - typer makes a fresh list for every call
    load: Annotated[
        list[str],
        typer.Option(help="Other programs beside it, such as compute:1:60. Repeatable."),
    ] = [],  # noqa: B006
    neighbour: Annotated[
        list[str],
        typer.Option(
            help="Work of ours beside it, such as memory or compute:openvino. Repeatable."
        ),
    ] = [],  # noqa: B006
    data: options.Data = None,
) -> None:
    """Predict work on an idle box, or beside a load, with the parts of the prediction.

    A file is predicted on this computer, without a service and without running it.
    """
    if Path(model).is_file():
        beside = _load(load, neighbour)
        found = [_of_file(Path(model), shape, machine, provider or "cpu", data, beside)]
    else:
        with remote.client() as client:
            found = client.predictions(
                model,
                machine=machine,
                provider=provider,
                load=",".join(load),
                neighbour=",".join(neighbour),
            )
    if remote.as_json:
        return output.print_json({"predictions": found})
    empty = "nothing is known of it there: it was not measured, or does not run there"
    output.print_table(_COLUMNS, [_row(entry) for entry in found], right=_NUMBERS, empty=empty)


def _load(foreign: list[str], neighbours: list[str]) -> Load:
    """The load beside the first core of this computer."""
    from api.oracle.loads import foreign_load, listed
    from api.oracle.loads import neighbour as read_neighbour
    from devices.box.host import usable_cores

    if not foreign and not neighbours:
        return IDLE
    cores = usable_cores()
    from scheduler.control.forecast.costs import CostQuestion, load_beside

    asked = CostQuestion(
        work="",
        foreign=listed(",".join(foreign), foreign_load),
        neighbours=listed(",".join(neighbours), read_neighbour),
    )
    return load_beside(asked, own=cores[:1], box=cores)


def _of_file(
    path: Path, shape: list[str], machine: str, provider: str, data: Path | None, load: Load
) -> dict[str, Any]:
    """Predict a file by its graph; peaks are those of an ordinary core."""
    from api.oracle.oracle import oracle_of_file
    from api.process.settings import Settings
    from scheduler.model.messages import WorkKind
    from scheduler.model.ports import CostQuery

    shapes = tuple(sorted((name, tuple(sizes)) for name, sizes in map(parse_shape, shape)))
    folder = data or Settings.from_environment().data_dir
    oracle = oracle_of_file(path, folder)
    query = CostQuery(
        kind=WorkKind.MODEL,
        name=path.name,
        digest=path.name,
        variant="",
        machine=machine or "here",
        provider=provider,
        shapes=shapes,
        load=load,
    )
    (found,) = oracle.predict([query])
    if found is None:
        raise InvalidInput(f"no cost is known of {path} costs")
    return {
        "name": path.name,
        "machine": query.machine,
        "provider": provider,
        "p10_us": found.p10_us,
        "p50_us": found.p50_us,
        "p95_us": found.p95_us,
        "provenance": found.provenance.value,
        "observations": found.observations,
        "kind": found.kind.value,
        "slowdowns": [
            {"cause": part.cause, "factor": part.factor} for part in oracle.explain(query)
        ],
    }


def _row(entry: dict[str, Any]) -> tuple[Any, ...]:
    return (
        entry["machine"],
        entry["provider"],
        *(f"{entry[name] / output.US_PER_MS:,.2f}" for name in ("p10_us", "p50_us", "p95_us")),
        entry["provenance"],
        entry["observations"],
        "; ".join(_reason(part) for part in entry["slowdowns"]),
    )


def _reason(part: dict[str, Any]) -> str:
    factor = part["factor"]
    return part["cause"] if factor == 1.0 else f"{part['cause']} x{factor:.2f}"
