"""``fjord models partitions``: the proven cuts of a model, and requests for new ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from api.cli import options, output

Cut = Annotated[
    list[str],
    typer.Option(
        "--cut", help="All tensors that cross a cut, such as relu_3,add_7. Repeatable, in order."
    ),
]


@options.grouped
def partitions(
    name: str,
    remote: options.Remote,
    pieces: Annotated[
        int | None, typer.Option("--pieces", help="Cut the model into so many pieces.")
    ] = None,
    within: Annotated[
        float | None,
        typer.Option("--within", help="Cut it so that no piece takes longer, in ms on a core."),
    ] = None,
    for_provider: Annotated[
        str | None,
        typer.Option("--for", help="Give a provider that refuses the model all that it runs."),
    ] = None,
    cut: Cut = [],  # noqa: B006 - typer makes a fresh list for every call
) -> None:
    """List the partitions of a model; with an option, have it cut and proven first."""
    with remote.client() as client:
        if pieces is not None or within is not None or for_provider or cut:
            client.add_partition(
                name,
                pieces=pieces,
                preemptible_within_ms=within,
                provider=for_provider,
                cuts=[each.split(",") for each in cut] or None,
            )
        found = client.partitions(name)
    if remote.as_json:
        return output.print_json({"model": name, "partitions": found})
    rows = [row for partition in found for row in _rows(partition)]
    output.print_table(
        ("partition", "piece", "ms", "KiB given", "usable on", "proof"),
        rows,
        right=("ms", "KiB given"),
        empty=f"{name} has no partitions yet: fjord models partitions {name} --pieces 2",
    )


def _rows(partition: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    share = f"{partition['share']:.0%} on {partition['provider']}, " if partition["share"] else ""
    proof = "bitwise" if partition["is_bitwise"] else f"error {partition['error']:.1e}"
    for place, piece in enumerate(partition["pieces"], 1):
        usable = {p["provider"] for p in piece["profiles"] if p["verdict"] == "usable"}
        yield (
            partition["id"] if place == 1 else "",
            f"{place} of {len(partition['pieces'])}",
            output.milliseconds(piece["run_us"]),
            f"{piece['crossing_bytes'] / 1024:.0f}",
            " ".join(sorted(usable)),
            f"{share}{proof}, {partition['inputs_tried']} inputs" if place == 1 else "",
        )
