"""The client under the address that programs imported before there was `fjord`.

They go on as they are until 0.2; new ones write ``from fjord import Client``.
"""

from fjord import AsyncClient, Client, FjordApiError, FjordUnreachable, Run, ServerEvent

__all__ = ["AsyncClient", "Client", "FjordApiError", "FjordUnreachable", "Run", "ServerEvent"]
