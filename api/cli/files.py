"""Files that commands read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scheduler.model.errors import InvalidInput


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
