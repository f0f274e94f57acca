"""The errors that the package raises.

FjordApiError            the service answered with an error
└── FjordUnreachable     nothing answered
InvalidDeclaration       a function or a type is declared against a law
InvalidValue             a function of yours refuses a value that it was given
"""

from __future__ import annotations


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
    """A function refuses an input or a parameter: the run fails, and is not tried again."""
