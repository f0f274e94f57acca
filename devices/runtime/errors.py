"""Errors of providers."""

from __future__ import annotations

import re

from scheduler.model.errors import InvalidInput, Unavailable
from scheduler.model.messages import Verdict

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def in_one_line(error: Exception) -> str:
    r"""Words of an error of a runtime, in one line and without colours: a reason is one.

    Examples
    --------
    >>> in_one_line(ValueError("\x1b[31mReshape failed.\x1b[0m\n  Input shape: {4}\n"))
    'Reshape failed. Input shape: {4}'
    """
    return " ".join(_COLOURS.sub("", str(error)).split())


class ProviderRefused(Unavailable):
    """A provider cannot be used here, or not for this model; another one may do.

    Parameters
    ----------
    verdict
        Way in which it is unusable.
    reason
        One sentence for people.
    """

    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason


class RunFailed(InvalidInput):
    """The model raised while it ran: on these inputs, or on this provider."""


class RunStopped(Unavailable):
    """The inference was stopped on request; its session can be used again."""
