"""Files that commands read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scheduler.model.errors import InvalidInput, UnknownName

if TYPE_CHECKING:
    from scheduler.instances import Instance


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises
    ------
    InvalidInput
        If the file holds anything else.
    """
    try:
        value = json.loads(file.read_bytes())
    except ValueError as error:
        raise InvalidInput(f"{file} must be JSON; got {error}") from None
    if not isinstance(value, dict):
        raise InvalidInput(f"{file} must hold a JSON object; got {type(value).__name__}")
    return value


def read_instance(file: Path, format: str | None = None) -> Instance:
    """Read a scheduling problem of any format; ``graph.stg@4`` is `graph.stg` on 4 processors.

    Parameters
    ----------
    format
        Its name, where the content alone would leave it open.

    Raises
    ------
    InvalidInput
        With the file, the line or the path in it, and what is wrong there.
    """
    from scheduler.instances import parse

    name, _, processors = file.name.rpartition("@")
    there = file.with_name(name) if processors.isdecimal() and not file.exists() else file
    try:
        return parse(there.read_bytes(), file.name, format=format)
    except UnknownName:
        raise
    except InvalidInput as error:
        raise InvalidInput(f"{there}: {error}") from None
