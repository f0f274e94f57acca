"""Settings of an agent at its start, and the facts that it remembers from one start to the next."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from pathlib import Path

from devices.box.host import memory_bytes
from scheduler.model.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ID_FILE = "agent-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Address of a site, and the part of this computer to offer it.

    Parameters
    ----------
    server
        Base address of the service, such as ``http://fjord.example:8080``.
    token
        Bearer token with the scope `agent`; empty where none is needed.
    name
        Id in the site; empty takes the one used before, or the host's name.
    box
        Agents with the same box share memory; empty takes the host's name.
    cores
        Cores to make lanes of; ``None`` takes all that this process may use.
    simulated
        True if simulated devices get machines.
    tensor_root
        Folder of this box's tensors; ``None`` takes the default, in memory.
    worker_bytes
        Most memory of its own that a worker may hold; 0 takes three quarters of the box's. Workers
        of graphics cards have no limit: their drivers map more than main memory.
    host
        Address under which other boxes reach this one; empty finds it by the way to the server.
    """

    server: str
    data_dir: Path
    token: str = ""
    name: str = ""
    box: str = ""
    cores: tuple[int, ...] | None = None
    simulated: bool = False
    inline_bytes: int = 4096
    tensor_root: Path | None = None
    worker_bytes: int = 0
    host: str = ""

    @property
    def most_worker_bytes(self) -> int:
        """Most memory that a worker may hold."""
        return self.worker_bytes or memory_bytes() * 3 // 4


def agent_id(settings: AgentSettings) -> str:
    """The agent's id, the same at every start from the same data folder.

    Raises
    ------
    InvalidInput
        If the chosen name cannot be an id.
    """
    if settings.name:
        return _checked(settings.name)
    file = settings.data_dir / _ID_FILE
    if file.exists():
        return _checked(file.read_text().strip())
    found = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname()).lstrip("._-")[:64] or "agent"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    file.write_text(found)
    return found


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"name must match {_NAME.pattern}; got {name!r}", field="name")
    return name
