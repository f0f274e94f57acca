"""``fjord policy``: how work is placed."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli import options, output


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(policy)


@options.grouped
def policy(
    remote: options.Remote,
    placement: Annotated[
        str, typer.Argument(help="Heuristic that places at once; shows the present one if absent.")
    ] = "",
    improve: Annotated[
        bool, typer.Option(help="Let a solver propose better plans, or not.")
    ] = True,
) -> None:
    """Show or choose how work is placed."""
    with remote.client() as client:
        now = client.set_policy(placement, improve=improve) if placement else client.policy()
    if remote.as_json:
        return output.print_json(now)
    output.console().print(_sentence(now))


def _sentence(policy: dict[str, Any]) -> str:
    improves = "a solver improves plans" if policy["improve"] else "plans are not improved"
    return f"placement [bold]{policy['placement']}[/bold]; {improves}"
