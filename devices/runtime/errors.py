"""Errors of providers."""

from __future__ import annotations

from scheduler.model.errors import InvalidInput, Unavailable
from scheduler.model.messages import Verdict


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
