"""``fjord.toml``: settings of a user in a file, for whatever the environment leaves open."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from scheduler.model.errors import InvalidInput

VARIABLE = "FJORD_CONFIG"
PREFIX = "FJORD_"
KEYS = frozenset(
    {
        *("data", "store_url", "site", "box", "fsync", "url", "token", "tokens"),
        *("profile_share", "age_s", "unplaceable_s", "train_rows", "keep_log", "control_core"),
        "grpc_port",
        *("max_json_bytes", "max_queued", "max_listeners", "header_s", "body_s"),
        *("check_mib", "worker_mib", "history_days", "history_bytes"),
    }
)
"""Names of the variables of the environment, in small letters and without their beginning."""


def config_file(environment: Mapping[str, str]) -> Path:
    """Path of the file: the one that ``FJORD_CONFIG`` names, or that of the user.

    A file in the current folder is not read: it may come with a stranger's project, and would say
    where a token is sent.
    """
    if named := environment.get(VARIABLE):
        return Path(named)
    home = environment.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "fjord" / "fjord.toml"


def apply(environment: MutableMapping[str, str]) -> None:
    """Add the settings of the file to an environment; those that are there stay.

    Raises
    ------
    InvalidInput
        If the file is no TOML, has a key that is no setting, or a value that is no text or number.
    """
    path = config_file(environment)
    try:
        text = path.read_text()
    except FileNotFoundError:
        if environment.get(VARIABLE):
            raise
        return
    for key, value in _parsed(path, text).items():
        environment.setdefault(f"{PREFIX}{key.upper()}", _as_text(path, key, value))


def _parsed(path: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} must be TOML; got {error}", field=str(path)) from None
    for key in found:
        if key not in KEYS:
            raise InvalidInput(f"{path}: {_unknown(key)}", field=key)
    return found


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(key, KEYS, n=1)
    choice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(KEYS))}"
    return f"a key must be a setting; got {key!r}: {choice}"


def _as_text(path: Path, key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str) and key == "data":
        return str(Path(value).expanduser())
    if isinstance(value, str | int | float):
        return str(value)
    law = "must be a text, a number, or true or false"
    raise InvalidInput(f"{path}: {key} {law}; got {type(value).__name__}", field=key)
