"""Table of reasons for exceptions."""

from __future__ import annotations

from devices.runtime.errors import ProviderRefused, RunFailed, RunStopped
from scheduler.model.errors import DeviceLost, InvalidInput, OutOfSpace, UnknownName
from scheduler.model.messages import FailureReason


def reason_for(error: Exception) -> FailureReason:
    """Reason by which the controller knows the remedy.

    Examples
    --------
    >>> reason_for(MemoryError())
    <FailureReason.OUT_OF_MEMORY: 'out_of_memory'>
    """
    return next(
        (reason for kind, reason in _BY_TYPE if isinstance(error, kind)), FailureReason.ERROR
    )


# In order: the first that fits counts, so the exceptions from a rule come before it.
_BY_TYPE: tuple[tuple[type[Exception], FailureReason], ...] = (
    (MemoryError, FailureReason.OUT_OF_MEMORY),
    (OutOfSpace, FailureReason.OUT_OF_SPACE),
    (DeviceLost, FailureReason.INPUT_LOST),
    (ProviderRefused, FailureReason.PROVIDER_REFUSED),
    (RunStopped, FailureReason.CANCELLED),
    (RunFailed, FailureReason.ERROR),
    (UnknownName, FailureReason.ERROR),
    (InvalidInput, FailureReason.INVALID),
)
