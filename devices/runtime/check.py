"""The child process of `devices.models.check_in_child`: ``python -m devices.runtime.check``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
from google.protobuf.message import DecodeError

from devices.catalogue import provider
from devices.models import ModelLimits, check_model
from devices.models.confining import confine
from devices.models.sandbox import CheckAnswer
from devices.runtime.child import answer_on_stdout
from devices.runtime.errors import ProviderRefused
from scheduler.model.errors import InvalidInput, InvalidModel, TooLarge

_SIZES = Path("/proc/self/statm")
"""Pages of this process; the sixth number is of its data."""
_COPIES = 2
"""Copies of a file while it is parsed: its bytes, and the tensors made of them."""


def main(arguments: list[str]) -> None:
    """Check one file under limits and print a `CheckAnswer`."""
    path, limits = Path(arguments[0]), msgspec.json.decode(arguments[1], type=ModelLimits)
    with answer_on_stdout() as answer:
        confine(limits)
        answer(_judge(path, limits))


def _judge(path: Path, limits: ModelLimits) -> CheckAnswer:
    no_room = CheckAnswer(refusal=f"model must load within {limits.memory_bytes} bytes of memory")
    try:
        info = check_model(path, limits)
        _load(path)
    except MemoryError:
        return no_room
    except InvalidInput as error:
        if isinstance(error.__cause__, DecodeError) and not _has_room(path, limits):
            return no_room
        return CheckAnswer(refusal=error.message, too_large=isinstance(error, TooLarge))
    return CheckAnswer(info=info)


def _has_room(path: Path, limits: ModelLimits) -> bool:
    """True if a file can be parsed here: the parser says the same of no memory and of no model."""
    try:
        data_pages = int(_SIZES.read_text().split()[5])
    except (OSError, IndexError):  # only Linux limits what is counted there
        return True
    used_bytes = data_pages * os.sysconf("SC_PAGE_SIZE")
    return used_bytes + _COPIES * path.stat().st_size <= limits.memory_bytes


def _load(path: Path) -> None:
    # Imported late: a file that the checks refuse costs no start of a runtime.
    from devices.runtime.session import open_session

    try:
        open_session(path, provider("cpu"))
    except ProviderRefused as error:
        raise InvalidModel(f"model must load on the CPU: {error.reason}", field="model") from error


if __name__ == "__main__":
    main(sys.argv[1:])
