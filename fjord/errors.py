"""What a client raises."""

from __future__ import annotations


class FjordApiError(Exception):
    """The service answered with an error.

    Parameters
    ----------
    status
        HTTP status; 0 if there was no answer at all.
    title
        What kind of error it is.
    detail
        Where, which law, what came.
    field
        Path of the offending field; empty if none.
    run
        Id of a run that may have been accepted all the same; empty if none was.
    """

    def __init__(
        self, status: int, title: str, detail: str = "", field: str = "", run: str = ""
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.title = title
        self.detail = detail
        self.field = field
        self.run = run


class FjordUnreachable(FjordApiError):
    """Nothing answered at the address: a retry may help."""
