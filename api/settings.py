"""What a Fjord process is told by its command line and its environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scheduler.model.errors import InvalidInput

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are and how large they may get.

    Parameters
    ----------
    data_dir
        Everything that outlives a process: the embedded store, models, tokens, the identity.
    store_url
        A Redis or Valkey of the user's; empty for the embedded one.
    site
        Name of the site; all keys of the store carry it.
    box
        Identity of this computer: processes with the same box share memory.
    embedded_fsync
        ``always`` survives a power cut without losing an accepted run; ``everysec`` is faster.
    max_model_bytes, max_request_bytes
        Limits on uploads and on bodies of requests.
    profile_share
        Largest share of a machine's time for measuring what nobody asked for; 0 turns it off.
    train_rows
        Measurements of its own after which the service trains a cost model; 0 turns it off.
    keep_log
        Whether the log of events stays whole, for replays and reports of defects; otherwise it goes
        behind checkpoints.
    inline_bytes
        Tensors up to this size travel inside messages.
    """

    data_dir: Path
    store_url: str = ""
    site: str = "local"
    host: str = "127.0.0.1"
    port: int = 8080
    box: str = ""
    embedded_fsync: str = "always"
    max_model_bytes: int = 2048 * MIB - 1
    max_request_bytes: int = 256 * MIB
    profile_share: float = 0.02
    train_rows: int = 200
    keep_log: bool = False
    inline_bytes: int = 4096

    @property
    def base_url(self) -> str:
        """Address under which this process can be reached."""
        return f"http://{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer can reach the service."""
        return self.host in {"127.0.0.1", "localhost", "::1"}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read ``FJORD_DATA``, ``_STORE_URL``, ``_SITE``, ``_BOX``, ``_FSYNC``, ``_PROFILE_SHARE``,
        ``_TRAIN_ROWS``, ``_KEEP_LOG``.

        Raises
        ------
        InvalidInput
            If the share is no number from 0 to 0.5, the rows are no whole number from 0 up, or
            whether to keep the log is neither 0 nor 1.
        """
        default_data = Path.home() / ".local" / "share" / "fjord"
        return cls(
            data_dir=Path(environment.get("FJORD_DATA", default_data)),
            store_url=environment.get("FJORD_STORE_URL", ""),
            site=environment.get("FJORD_SITE", "local"),
            box=environment.get("FJORD_BOX", socket.gethostname()),
            embedded_fsync=environment.get("FJORD_FSYNC", "always"),
            profile_share=_share(environment.get("FJORD_PROFILE_SHARE", "0.02")),
            train_rows=_rows(environment.get("FJORD_TRAIN_ROWS", "200")),
            keep_log=_choice("FJORD_KEEP_LOG", environment.get("FJORD_KEEP_LOG", "0")),
        )


def _rows(text: str) -> int:
    if not text.strip().isdecimal():
        law = "FJORD_TRAIN_ROWS must be a whole number, 0 or more"
        raise InvalidInput(f"{law}; got {text!r}", field="FJORD_TRAIN_ROWS")
    return int(text)


def _choice(name: str, text: str) -> bool:
    if text not in {"0", "1"}:
        raise InvalidInput(f"{name} must be 0 or 1; got {text!r}", field=name)
    return text == "1"


def _share(text: str) -> float:
    """Read a share of time; half of a machine is more than enough for what nobody asked for."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 0.5:
        law = "FJORD_PROFILE_SHARE must be a number from 0 to 0.5"
        raise InvalidInput(f"{law}; got {text!r}", field="FJORD_PROFILE_SHARE")
    return share
