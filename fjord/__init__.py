"""A client for the service: `Client`, and `AsyncClient` for asyncio.

It needs ``httpx`` (and NumPy, once tensors are sent or read) and nothing else of Fjord. Each method
is written once, as a generator of requests (`fjord.client.calls`); the two clients differ only in how
they send them.

Examples
--------
::

    with Client("http://127.0.0.1:8080") as fjord:
        run = fjord.submit("ocr", {"image": Path("page.png")}, wait_s=10)
        print(fjord.results(run)["lines"])
"""

from fjord.client.clients import AsyncClient, Client
from fjord.client.wire import Run, ServerEvent
from fjord.errors import FjordApiError, FjordUnreachable

__all__ = ["AsyncClient", "Client", "FjordApiError", "FjordUnreachable", "Run", "ServerEvent"]
