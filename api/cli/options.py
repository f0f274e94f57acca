"""Options that several commands share, one by one and in groups.

A group is a dataclass whose fields are options. A command takes it as one parameter, and `grouped`
makes the flat list of options of it that typer reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fjord.about import DEFAULT_URL

if TYPE_CHECKING:
    from fjord import Client

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Token = Annotated[
    str | None,
    typer.Option("--token", envvar="FJORD_TOKEN", help="Bearer token of the service."),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", envvar="FJORD_DATA", help="Folder of everything that is kept."),
]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")]
StoreUrl = Annotated[
    str,
    typer.Option(
        "--store-url",
        envvar="FJORD_STORE_URL",
        help="A Redis or Valkey of your own; else embedded.",
    ),
]
Since = Annotated[
    str, typer.Option("--since", help="Not before: 90m, 2h or 7d ago, or an ISO 8601 time.")
]
Until = Annotated[str, typer.Option("--until", help="Before that: as --since.")]
Name = Annotated[str, typer.Option("--name", help="Name of the agent; the box's by default.")]
Box = Annotated[
    str,
    typer.Option("--box", envvar="FJORD_BOX", help="This computer: same box, shared memory."),
]
Cores = Annotated[
    str, typer.Option("--cores", help="CPU cores to use, such as 0-3,6; all by default.")
]
WorkerMib = Annotated[
    int,
    typer.Option(
        "--worker-mib",
        envvar="FJORD_WORKER_MIB",
        min=0,
        help="Most memory of a worker in MiB, from 256 up; 0 takes three quarters of the box's.",
    ),
]
ControlCore = Annotated[
    int | None,
    typer.Option(
        "--control-core",
        envvar="FJORD_CONTROL_CORE",
        min=0,
        help="Core set aside for the service, the store and the solver: no machine is made of it.",
    ),
]
Simulated = Annotated[
    bool, typer.Option("--simulated", help="Also use devices that are simulated in software.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """The service that a command asks, and the form of the command's answer."""

    server: Annotated[
        str, typer.Option("--server", envvar="FJORD_URL", help="Address of the service.")
    ] = DEFAULT_URL
    token: Token = None
    as_json: Json = False

    def client(self, **settings: float) -> Client:
        """Make a client of that service, with further settings of `Client`."""
        from fjord import Client

        return Client(self.server, self.token, **settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """A run as it is asked for: its inputs, and the rules for its place and time."""

    inputs: Annotated[
        list[str],
        typer.Option(
            "--input", "-i", help="NAME=FILE: .npy, .npz, or any file as bytes. Repeatable."
        ),
    ] = field(default_factory=list)
    priority: Annotated[
        str, typer.Option(help="critical, high, normal or background.", metavar="BAND")
    ] = "normal"
    deadline_ms: Annotated[
        float | None, typer.Option(min=0, help="Dropped if it is not done by then, from now.")
    ] = None
    due_ms: Annotated[
        float | None, typer.Option(min=0, help="Late costs after this, from now.")
    ] = None
    allow: Annotated[list[str], typer.Option(help="Only machines like this. Repeatable.")] = field(
        default_factory=list
    )
    forbid: Annotated[list[str], typer.Option(help="No machines like this. Repeatable.")] = field(
        default_factory=list
    )


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Spread the groups of a command: their fields follow its own parameters as options."""
    own = inspect.signature(command, eval_str=True).parameters
    groups: dict[str, Any] = {
        name: each.annotation for name, each in own.items() if is_dataclass(each.annotation)
    }

    @wraps(command)
    def spread(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{each.name: given.pop(each.name) for each in fields(group)})
        command(**given)

    plain = [each for name, each in own.items() if name not in groups]
    options = [*plain, *(each for group in groups.values() for each in _options(group))]
    keyword = inspect.Parameter.KEYWORD_ONLY
    # typer reads both; the annotations that `wraps` copied are those of the groups.
    spread.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [each.replace(kind=keyword) for each in options]
    )
    spread.__annotations__ = {each.name: each.annotation for each in options}
    return spread


def _options(group: Any) -> list[inspect.Parameter]:
    """The fields of a group as parameters, with their defaults."""
    annotations = inspect.get_annotations(group, eval_str=True)
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(each),
            annotation=annotations[each.name],
        )
        for each in fields(group)
    ]


def _default(option: Field[Any]) -> Any:
    return option.default if option.default_factory is MISSING else option.default_factory()
