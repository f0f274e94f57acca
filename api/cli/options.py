"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Server = Annotated[
    str, typer.Option("--server", envvar="FJORD_URL", help="Address of the service.")
]
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
