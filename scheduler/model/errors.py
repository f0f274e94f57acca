"""Errors of Fjord, as a tree by the caller's remedy.

FjordError
├── InvalidInput        the caller mends it
│   ├── InvalidProblem  a problem breaks a law of the model
│   ├── InvalidInstance a file of a public format is malformed, or of no format known
│   ├── InvalidWorkload a workload graph, its types or its settings are wrong
│   ├── InvalidModel    a model file is refused
│   ├── InvalidMeasurement  a stored measurement breaks a law
│   ├── InvalidArtifact a trained cost model is corrupted, or made for other features
│   ├── InvalidCheckpoint   a stored state is damaged, or of a form that is not known
│   ├── InvalidTensor   a value does not have the declared type, shape or encoding
│   ├── UnknownName     no model, workload, run, machine or solver of that name
│   │   └── Gone        there was such a run, or an output of it; a rule has removed it
│   ├── UnknownOperator an operator that a predictor or provider does not know
│   ├── DuplicateName   the name is taken
│   ├── Conflict        the state of a thing does not allow the request now
│   ├── TooLarge        a request or file is over its limit
│   ├── UnsupportedEncoding  a body is packed in a way that is not undone here
│   └── AccessDenied    no token, or a wrong one
│       └── Forbidden   a good token without the scope, or a request from another web page
├── Unavailable         a retry may help
│   ├── StoreUnavailable
│   │   └── OutcomeUnknown  the store fell silent while it was told to accept a run
│   ├── DeviceLost
│   ├── QueueFull
│   ├── StaleSnapshot
│   ├── StaleEpoch
│   └── OutOfSpace
└── Defect              a fault of ours: always logged with its cause
    ├── InvalidSchedule
    └── UnmappedStatus
"""

from __future__ import annotations


class FjordError(Exception):
    """Root of every error that Fjord raises on purpose.

    Parameters
    ----------
    message
        Place, law and value, with the choices if there are any.
    field
        Path of the offending field, such as ``operations[3].modes[0].duration_us``; empty if none.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(FjordError, ValueError):
    """The caller sent something that breaks a law."""


class InvalidProblem(InvalidInput):
    """A scheduling problem breaks a law of the model."""


class InvalidInstance(InvalidInput):
    """A file of a public format is malformed; `field` is the line, or the path in a document."""


class InvalidWorkload(InvalidInput):
    """A workload's graph, types or settings are wrong."""


class InvalidModel(InvalidInput):
    """A model file is refused."""


class InvalidMeasurement(InvalidInput):
    """A stored measurement breaks a law; `field` names the place."""


class InvalidArtifact(InvalidInput):
    """A trained cost model is corrupted, of another version, or knows other features."""


class InvalidCheckpoint(InvalidInput):
    """A stored state is damaged, or of a form that is not known here."""


class InvalidTensor(InvalidInput):
    """A value does not have the declared type, shape or encoding."""


class UnknownName(InvalidInput, LookupError):
    """Nothing of that kind has that name."""


class Gone(UnknownName):
    """A thing that existed and was removed, by the rule that the message names."""


class UnknownOperator(InvalidInput, LookupError):
    """An operator that is not known here."""


class DuplicateName(InvalidInput):
    """The name is taken."""


class Conflict(InvalidInput):
    """The state of a thing does not allow the request: it is in use, or not finished."""


class TooLarge(InvalidInput):
    """A request or a file is over its limit."""


class UnsupportedEncoding(InvalidInput):
    """A body is packed in a way that is not undone here."""


class AccessDenied(InvalidInput, PermissionError):
    """No token where one is needed, or a wrong one."""


class Forbidden(AccessDenied):
    """A good token without the scope that the call needs, or a request from another web page."""


class Unavailable(FjordError):
    """Not now: a retry may help.

    Parameters
    ----------
    retry_after_us
        Time until a retry is worthwhile, in microseconds from now.
    """

    def __init__(self, message: str, *, field: str = "", retry_after_us: int = 1_000_000) -> None:
        super().__init__(message, field=field)
        self.retry_after_us = retry_after_us


class StoreUnavailable(Unavailable, ConnectionError):
    """The store does not answer."""


class OutcomeUnknown(StoreUnavailable):
    """The store fell silent in the middle of a submission: it may have been accepted.

    Parameters
    ----------
    run
        Its run. Submitting it again is safe: if it was accepted, nothing changes.
    """

    def __init__(self, message: str, *, field: str = "", run: str = "") -> None:
        super().__init__(message, field=field)
        self.run = run


class DeviceLost(Unavailable):
    """A device or its worker went away."""


class QueueFull(Unavailable):
    """No room for more work."""


class StaleSnapshot(Unavailable):
    """A plan was made from a state that has passed."""


class StaleEpoch(Unavailable):
    """The sender is no longer the controller of its site."""


class OutOfSpace(Unavailable, OSError):
    """A disk or a memory file system is full."""


class OutOfTime(Unavailable, TimeoutError):
    """The time that a caller gave for an answer is over."""


class Defect(FjordError, RuntimeError):
    """A fault of ours."""


class InvalidSchedule(Defect):
    """A solver made a schedule that the checker refuses."""


class UnmappedStatus(Defect):
    """An engine answered with a status that we do not know."""
