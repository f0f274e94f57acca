"""The errors that the package raises.

FjordApiError            the service answered with an error
├── FjordUnreachable     nothing answered
├── PartlySubmitted      some of many runs were accepted, and the next one was not
└── NoResults            a run has no results
    ├── RunFailed        and never will: it failed or was cancelled
    └── NotFinished      and may have them later: it waits or runs
InvalidDeclaration       a function or a type is declared against a law
InvalidValue             a value is refused, by a function of yours or before it is sent
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fjord.client.wire import Run


CONFLICT = 409
"""Status with which the service itself refuses outputs of a run that has none."""


class FjordApiError(Exception):
    """The service answered with an error.

    Parameters
    ----------
    status
        HTTP status; 0 if there was no answer at all.
    title
        Kind of the error, in words.
    detail
        Place, law and offending value.
    field
        Path of the offending field; empty if none.
    run
        Id of a run that may have been accepted all the same; empty if none was.
    retry_after_s
        Seconds until a retry is worthwhile, as the service says; ``None`` if it does not.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        field: str = "",
        run: str = "",
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.title = title
        self.detail = detail
        self.field = field
        self.run = run
        self.retry_after_s = retry_after_s


class FjordUnreachable(FjordApiError):
    """Nothing answered at the address: a retry may help."""


class PartlySubmitted(FjordApiError):
    """Some of many runs were accepted, and the next one was not. Those after it were not sent.

    Parameters
    ----------
    runs
        The accepted ones, in the order of their inputs.
    error
        The error of the next one. Its `run` is that of this error, too.
    """

    def __init__(self, runs: Sequence[Run], error: Exception) -> None:
        status = error.status if isinstance(error, FjordApiError) else 0
        law = f"{len(runs)} runs were accepted, and the next one was not"
        super().__init__(status, law, str(error), getattr(error, "field", ""))
        self.runs = tuple(runs)
        self.run = getattr(error, "run", "")


class NoResults(FjordApiError):
    """A run has no results.

    Parameters
    ----------
    run
        Its id.
    state
        Its state: ``queued``, ``running``, ``failed`` or ``cancelled``.
    reason
        Kind of the cause, such as ``deadline`` or ``error``; empty if none is known.
    detail
        The cause in words.
    """

    def __init__(self, run: str, state: str, reason: str, detail: str = "") -> None:
        said = " ".join(filter(None, (reason, detail)))
        super().__init__(CONFLICT, f"run {run} is {state}", said, "run", run)
        self.state = state
        self.reason = reason
        self.detail = detail


class RunFailed(NoResults):
    """A run ended without results: it failed, or was cancelled."""


class NotFinished(NoResults):
    """A run has no results yet: it waits or runs."""


class _Refusal(ValueError):
    """An error that names a field.

    Parameters
    ----------
    message
        Field, law and offending value.
    field
        Name of the offending field; empty if none.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidDeclaration(_Refusal):
    """A function or a type is declared against a law."""


class InvalidValue(_Refusal):
    """A value is refused.

    A function of yours raises it about an input or a parameter: the run fails, and is not tried
    again. A client raises it about an input that does not fit its declared type, and about what is
    no address.
    """
