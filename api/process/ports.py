"""TCP ports of this box: one that is free, and a clear word when the wanted one is not."""

from __future__ import annotations

import socket

from scheduler.model.errors import InvalidInput


def free_port(host: str = "127.0.0.1") -> int:
    """Find a port that nobody listens on."""
    with socket.create_server((host, 0)) as server:
        port: int = server.getsockname()[1]
    return port


def require_free(host: str, port: int) -> None:
    """Refuse a port that cannot be listened on.

    Raises
    ------
    InvalidInput
        If another process has it, or the system keeps it.
    """
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        message = f"port must be free on {host}; got {port} ({error.strerror}): choose another"
        raise InvalidInput(message, field="port") from error
