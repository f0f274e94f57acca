"""The public face of Fjord: everything that a program of yours imports.

`Client` and `AsyncClient` talk to a service; `function` declares a function that workloads may
call. The package needs httpx and NumPy. It imports nothing else of the project, so that it works
beside folders of yours that are named ``api``, ``devices`` or ``scheduler``.

Examples
--------
::

    from fjord import Client

    with Client("http://127.0.0.1:8080") as client:
        run = client.submit("ocr", {"image": Path("page.png")}, wait_s=10)
        print(run.results()["lines"])
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fjord.about import __version__
    from fjord.client.clients import AsyncClient, Client
    from fjord.client.wire import Run, ServerEvent
    from fjord.errors import (
        FjordApiError,
        FjordUnreachable,
        InvalidDeclaration,
        InvalidValue,
        NoResults,
        NotFinished,
        PartlySubmitted,
        RunFailed,
    )
    from fjord.functions.declaring import function
    from fjord.functions.params import Param, ParamKind
    from fjord.functions.types import Array, TensorType

__all__ = [
    "Array",
    "AsyncClient",
    "Client",
    "FjordApiError",
    "FjordUnreachable",
    "InvalidDeclaration",
    "InvalidValue",
    "NoResults",
    "NotFinished",
    "Param",
    "ParamKind",
    "PartlySubmitted",
    "Run",
    "RunFailed",
    "ServerEvent",
    "TensorType",
    "__version__",
    "function",
]

_HOMES = {
    "fjord.about": ("__version__",),
    "fjord.client.clients": ("AsyncClient", "Client"),
    "fjord.client.wire": ("Run", "ServerEvent"),
    "fjord.errors": (
        "FjordApiError",
        "FjordUnreachable",
        "InvalidDeclaration",
        "InvalidValue",
        "NoResults",
        "NotFinished",
        "PartlySubmitted",
        "RunFailed",
    ),
    "fjord.functions.declaring": ("function",),
    "fjord.functions.params": ("Param", "ParamKind"),
    "fjord.functions.types": ("Array", "TensorType"),
}


# Each worker imports the functions, and needs no httpx; a client of small answers needs no NumPy.
def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            found: object = getattr(import_module(home), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
