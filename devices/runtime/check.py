"""The child process of `devices.graph.check_in_child`: ``python -m devices.runtime.check``."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from devices.catalogue import provider
from devices.graph import ModelLimits, check_model
from devices.graph.confining import confine
from devices.graph.sandbox import CheckAnswer
from devices.runtime.child import answer_on_stdout
from devices.runtime.errors import ProviderRefused
from scheduler.model.errors import InvalidInput, InvalidModel, TooLarge


def main(arguments: list[str]) -> None:
    """Check one file under limits and print a `CheckAnswer`."""
    path, limits = Path(arguments[0]), msgspec.json.decode(arguments[1], type=ModelLimits)
    with answer_on_stdout() as answer:
        confine(limits)
        answer(_judge(path, limits))


def _judge(path: Path, limits: ModelLimits) -> CheckAnswer:
    try:
        info = check_model(path, limits)
        _load(path)
    except MemoryError:
        return CheckAnswer(refusal=f"model must load within {limits.memory_bytes} bytes of memory")
    except InvalidInput as error:
        return CheckAnswer(refusal=error.message, too_large=isinstance(error, TooLarge))
    return CheckAnswer(info=info)


def _load(path: Path) -> None:
    # Imported late: a file that the checks refuse costs no start of a runtime.
    from devices.runtime.session import open_session

    try:
        open_session(path, provider("cpu"))
    except ProviderRefused as error:
        raise InvalidModel(f"model must load on the CPU: {error.reason}", field="model") from error


if __name__ == "__main__":
    main(sys.argv[1:])
