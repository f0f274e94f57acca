"""Settings of a Fjord process, from its command line and its environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devices.box.host import memory_bytes
from scheduler.model.errors import InvalidInput

MIB = 1024 * 1024
MOST_CHECK_BYTES = 12 * 1024 * MIB
"""Memory of a model of the largest size while it is parsed, loaded and optimised."""
LEAST_MIB = 256
"""Of a limit on memory: below it not even the runtime loads."""
MOST_DAYS = 36_500
"""A century: far below where microseconds overflow."""
LONGEST_NAME = 64
"""Of a site or a box: as long as a host name may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Places of things, and limits on their sizes.

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
    max_model_bytes, max_request_bytes, max_json_bytes
        Limits on uploads, on bodies of requests, and on those of them that are JSON.
    max_queued
        Runs of the site that may be accepted and not ended; a workload may set a limit of its own.
    max_listeners
        Live views and waits for a run that one process serves at once.
    header_s, body_s
        A connection whose request has not come in so far by then is closed: its header, counted
        from its first byte or from the connection, and each next piece of its body.
    max_check_bytes
        Memory of the child that checks a model; 0 takes half of the box's, at most 12 GiB. One
        runs at a time.
    profile_share
        Largest share of a machine's time for measurements that nobody asked for; 0 turns it off.
    age_s
        Wait in seconds after which work counts as one band more urgent; 0 turns it off.
    unplaceable_s
        A run that no joined machine can take fails after so long.
    train_rows
        Measurements of its own after which the service trains a cost model; 0 turns it off.
    keep_log
        True if the log of events stays whole, for replays and reports of defects; else it goes
        behind checkpoints.
    grpc_port
        Port of the Open Inference Protocol over gRPC; 0 for none.
    control_core
        Core set aside for the service, the store and the solver; ``None`` for none.
    supervisor
        Name of the ``fjord up`` that keeps this process, and kept those before it.
    inline_bytes
        Tensors up to this size travel inside messages.
    history_days, history_bytes
        Age up to which the archive keeps ended runs, and its largest size; 0 keeps nothing.
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
    max_json_bytes: int = 16 * MIB
    max_queued: int = 100_000
    max_listeners: int = 1_000
    header_s: int = 10
    body_s: int = 30
    max_check_bytes: int = 0
    profile_share: float = 0.02
    age_s: int = 60
    unplaceable_s: int = 60
    train_rows: int = 200
    keep_log: bool = False
    grpc_port: int = 0
    control_core: int | None = None
    supervisor: str = ""
    inline_bytes: int = 4096
    history_days: float = 7.0
    history_bytes: int = 1024 * MIB

    @property
    def check_bytes(self) -> int:
        """Memory of the child that checks a model."""
        return self.max_check_bytes or min(MOST_CHECK_BYTES, memory_bytes() // 2)

    @property
    def base_url(self) -> str:
        """Address under which this process can be reached."""
        return f"http://{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True if only this computer can reach the service."""
        return self.host in {"127.0.0.1", "localhost", "::1"}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read ``FJORD_DATA``, ``_STORE_URL``, ``_SITE``, ``_BOX``, ``_FSYNC``, ``_PROFILE_SHARE``,
        ``_AGE_S``, ``_TRAIN_ROWS``, ``_MAX_JSON_BYTES``, ``_MAX_QUEUED``, ``_MAX_LISTENERS``,
        ``_HEADER_S``, ``_BODY_S``, ``_CHECK_MIB``, ``_UNPLACEABLE_S``, ``_HISTORY_DAYS``,
        ``_HISTORY_BYTES``, ``_GRPC_PORT``, ``_CONTROL_CORE``, ``_KEEP_LOG``, ``_SUPERVISOR``.

        Raises
        ------
        InvalidInput
            If a name is empty, too long or begins with a dot, the share is no number from 0 to 0.5,
            the days are no number of them, if rows, seconds, bytes or the core are no whole number
            from 0 up, one of the limits is none from 1 up, the memory is neither 0 nor at least 256
            MiB, or an answer by 0 or 1 is neither.
        """
        default_data = Path.home() / ".local" / "share" / "fjord"
        return cls(
            data_dir=Path(environment.get("FJORD_DATA", default_data)),
            store_url=environment.get("FJORD_STORE_URL", ""),
            site=_name(environment, "FJORD_SITE", "local"),
            box=_name(environment, "FJORD_BOX", socket.gethostname()),
            embedded_fsync=environment.get("FJORD_FSYNC", "always"),
            profile_share=_share(environment.get("FJORD_PROFILE_SHARE", "0.02")),
            age_s=_whole(environment, "FJORD_AGE_S", 60, least=0),
            unplaceable_s=_whole(environment, "FJORD_UNPLACEABLE_S", 60, least=0),
            max_check_bytes=_check_bytes(environment.get("FJORD_CHECK_MIB", "0")),
            train_rows=_whole(environment, "FJORD_TRAIN_ROWS", 200, least=0),
            max_json_bytes=_whole(environment, "FJORD_MAX_JSON_BYTES", 16 * MIB),
            max_queued=_whole(environment, "FJORD_MAX_QUEUED", 100_000),
            max_listeners=_whole(environment, "FJORD_MAX_LISTENERS", 1_000),
            header_s=_whole(environment, "FJORD_HEADER_S", 10),
            body_s=_whole(environment, "FJORD_BODY_S", 30),
            history_days=_days(environment.get("FJORD_HISTORY_DAYS", "7")),
            history_bytes=_whole(environment, "FJORD_HISTORY_BYTES", 1024 * MIB, least=0),
            grpc_port=_whole(environment, "FJORD_GRPC_PORT", 0, least=0),
            control_core=_core(environment),
            keep_log=_choice(environment, "FJORD_KEEP_LOG"),
            supervisor=environment.get("FJORD_SUPERVISOR", ""),
        )


def _name(environment: Mapping[str, str], name: str, default: str) -> str:
    """Read a name that folders are called by: no folder above theirs, and none that is hidden."""
    text = environment.get(name, default)
    if not 1 <= len(text) <= LONGEST_NAME or text.startswith("."):
        law = f"{name} must have 1 to {LONGEST_NAME} characters and not begin with a dot"
        raise InvalidInput(f"{law}; got {text[:LONGEST_NAME]!r}", field=name)
    return text


def _core(environment: Mapping[str, str]) -> int | None:
    is_set = environment.get("FJORD_CONTROL_CORE", "")
    return _whole(environment, "FJORD_CONTROL_CORE", 0, least=0) if is_set else None


def _whole(environment: Mapping[str, str], name: str, default: int, *, least: int = 1) -> int:
    text = environment.get(name, str(default)).strip()
    # More digits than these mean nothing, and Python refuses to read thousands of them.
    if not text.isdecimal() or len(text) > 18 or int(text) < least:
        law = f"{name} must be a whole number, {least} or more"
        raise InvalidInput(f"{law}; got {text!r}", field=name)
    return int(text)


def _check_bytes(text: str) -> int:
    mib = int(text) if text.strip().isdecimal() else -1
    if mib != 0 and mib < LEAST_MIB:
        law = f"FJORD_CHECK_MIB must be 0 or a whole number of MiB from {LEAST_MIB} up"
        raise InvalidInput(f"{law}; got {text!r}", field="FJORD_CHECK_MIB")
    return mib * MIB


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0.0 <= days <= MOST_DAYS:
        law = f"FJORD_HISTORY_DAYS must be a number from 0 to {MOST_DAYS}"
        raise InvalidInput(f"{law}; got {text!r}", field="FJORD_HISTORY_DAYS")
    return days


def _choice(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name, "0")
    if text not in {"0", "1"}:
        raise InvalidInput(f"{name} must be 0 or 1; got {text!r}", field=name)
    return text == "1"


def _share(text: str) -> float:
    """Read a share of time; half of a machine is enough for measurements that nobody asked for."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 0.5:
        law = "FJORD_PROFILE_SHARE must be a number from 0 to 0.5"
        raise InvalidInput(f"{law}; got {text!r}", field="FJORD_PROFILE_SHARE")
    return share
