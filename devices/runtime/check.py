"""The child process of `devices.graph.check_in_child`: ``python -m devices.runtime.check``."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from devices.catalogue import provider
from devices.graph import ModelLimits, check_model
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


def confine(limits: ModelLimits) -> None:
    """Give up the right to more memory and time than this, to core dumps, and to writing files."""
    try:
        import resource
    except ImportError:  # not on Windows; wall time is still limited from outside
        return
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    # At the lower limit comes a signal that tells what happened, at the higher one the end.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))


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
