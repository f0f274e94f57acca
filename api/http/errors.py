"""The one place that knows HTTP status codes: errors in, ``application/problem+json`` out."""

from __future__ import annotations

import errno
import logging
import math
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.http.methods import offered
from scheduler.model import errors as model

PROBLEM = "application/problem+json"

STATUS: dict[type[model.FjordError], int] = {
    model.FjordError: 500,
    model.InvalidInput: 422,
    model.InvalidProblem: 422,
    model.InvalidInstance: 422,
    model.InvalidWorkload: 422,
    model.InvalidModel: 422,
    model.InvalidMeasurement: 422,
    model.InvalidArtifact: 422,
    model.InvalidCheckpoint: 422,
    model.InvalidTensor: 422,
    model.UnknownName: 404,
    model.Gone: 410,
    model.UnknownOperator: 422,
    model.DuplicateName: 409,
    model.Conflict: 409,
    model.TooLarge: 413,
    model.UnsupportedEncoding: 415,
    model.AccessDenied: 401,
    model.Forbidden: 403,
    model.Unavailable: 503,
    model.StoreUnavailable: 503,
    model.OutcomeUnknown: 503,
    model.DeviceLost: 503,
    model.QueueFull: 429,
    model.StaleSnapshot: 503,
    model.StaleEpoch: 503,
    model.OutOfSpace: 507,
    model.OutOfTime: 504,
    model.Defect: 500,
    model.InvalidSchedule: 500,
    model.UnmappedStatus: 500,
}
"""Every class of the error tree, by name: a test walks the tree and finds each of them here."""

SHOWN_CHARACTERS = 80
"""Length at which a message cuts a refused value: enough to recognise it, no whole tensor."""
CHOICES_SHOWN = 12
"""Choices that a message lists."""

logger = logging.getLogger("fjord.api")


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of every error answer (RFC 9457), with the field that is at fault.

    Parameters
    ----------
    errors
        All that is wrong, where a request has more than one fault; `detail` is the first.
    id
        Of an internal error: the log line with the traceback carries it too.
    run
        A run that may have been accepted although this is an error: submit it again under this id.
    """

    type: str
    title: str
    status: int
    detail: str
    field: str = ""
    errors: list[dict[str, str]] = []
    id: str = ""
    run: str = ""


def status_of(error: model.FjordError) -> int:
    """HTTP status of an error: that of the nearest class of its family in the table."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Encode a problem."""
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=PROBLEM,
        headers=dict(headers or {}),
    )


def problem_of(error: model.FjordError) -> Problem:
    """Say an error of ours as a problem."""
    title = re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()
    return Problem(
        type=f"urn:fjord:error:{title.replace(' ', '-')}",
        title=title,
        status=status_of(error),
        detail=error.message,
        field=error.field,
        run=error.run if isinstance(error, model.OutcomeUnknown) else "",
    )


def headers_of(error: model.FjordError) -> dict[str, str]:
    """Headers of an answer: when to come back, how to get in or how to pack."""
    headers = {}
    if isinstance(error, model.Unavailable):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_us / 1_000_000)))
    if isinstance(error, model.AccessDenied):
        headers["WWW-Authenticate"] = 'Bearer realm="fjord"'
    if isinstance(error, model.UnsupportedEncoding):
        headers["Accept-Encoding"] = "gzip, identity"
    return headers


def answer(error: model.FjordError) -> Response:
    """Answer with an error of ours."""
    if isinstance(error, model.Defect):
        return _internal(error)
    return respond(problem_of(error), headers_of(error))


def choices(names: Iterable[str]) -> str:
    """List the choices for a message.

    Examples
    --------
    >>> choices(["later", "early"])
    'there are: early, later'
    """
    known = sorted(names)
    rest = f" and {len(known) - CHOICES_SHOWN} more" if len(known) > CHOICES_SHOWN else ""
    return f"there are: {', '.join(known[:CHOICES_SHOWN]) or 'none'}{rest}"


def shown(value: object) -> str:
    """Repeat a refused value, shortened."""
    text = "NaN" if isinstance(value, float) and math.isnan(value) else repr(value)
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return text[: SHOWN_CHARACTERS - 3] + "..."


def path_of(location: Sequence[str | int]) -> str:
    """Write a location as ``stages[2].inputs.x``. Tags of alternatives, ``<...>``, are no part.

    Examples
    --------
    >>> path_of(("stages", 2, "inputs", "x"))
    'stages[2].inputs.x'
    """
    parts = [
        f"[{part}]" if isinstance(part, int) else f".{part}"
        for part in location
        if not str(part).startswith("<")
    ]
    return "".join(parts).removeprefix(".")


_LAWS = {
    "missing": "must be given",
    "extra_forbidden": "is not a field that is known here",
    "finite_number": "must be a finite number",
    "json_invalid": "must be JSON",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than": "must be > {gt}",
    "greater_than_equal": "must be >= {ge}",
    "less_than": "must be < {lt}",
    "less_than_equal": "must be <= {le}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "string_pattern_mismatch": "must match {pattern}",
}


def law_of(error: Mapping[str, Any]) -> str:
    """The law that a validation error of pydantic's stands for."""
    law = _LAWS.get(error["type"])
    if law is not None:
        return law.format(**error.get("ctx", {}))
    message = str(error["msg"])
    if message.startswith(("Input should be ", "Value error, ")):
        return "must be " + message.removeprefix("Input should be ").removeprefix("Value error, ")
    return f"must be valid: {message}"


def house_form(error: Mapping[str, Any]) -> tuple[str, str]:
    """Field and message of one validation error: the place, the law, the value."""
    location = tuple(error["loc"])
    if location and location[0] in {"body", "query", "path", "header", "cookie"}:
        location = location[1:]
    if error["type"] == "json_invalid":
        # A position in the text is no path; a form's field has its name in front of it.
        location = tuple(part for part in location[:1] if isinstance(part, str))
    field = path_of(location)
    got = "nothing" if error["type"] == "missing" else shown(error.get("input"))
    return field, f"{field or 'the body'} {law_of(error)}; got {got}"


def from_validation(faults: Sequence[Mapping[str, Any]]) -> Problem:
    """Say the faults that pydantic found as one problem."""
    said = [house_form(fault) for fault in faults]
    field, detail = said[0]
    several = [{"field": where, "detail": what} for where, what in said] if len(said) > 1 else []
    return Problem(
        type="urn:fjord:error:invalid-input",
        title="invalid input",
        status=STATUS[model.InvalidInput],
        detail=detail,
        field=field,
        errors=several,
    )


def internal(error: BaseException) -> Problem:
    """Log an internal error with its traceback, and name the id of the log line."""
    identity = uuid.uuid4().hex[:12]
    logger.error("internal error %s", identity, exc_info=error)
    return Problem(
        type="urn:fjord:error:internal",
        title="internal error",
        status=500,
        detail=f"a fault of the service, logged as {identity}",
        id=identity,
    )


def _internal(error: BaseException) -> Response:
    return respond(internal(error))


async def _on_fjord(_request: Request, error: Exception) -> Response:
    assert isinstance(error, model.FjordError)
    return answer(error)


async def _on_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return respond(from_validation(error.errors()))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, model.FjordError):
        return answer(error.__cause__)  # raised while the framework read the body
    detail = str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path}"
    if error.status_code == 405:
        detail = f"{request.method} is not offered at {request.url.path}"
        methods = offered(request.app.routes, request.scope)
        # Files of the dashboard are behind no route; they say themselves how they are served.
        headers |= {"Allow": ", ".join(methods)} if methods else {}
    title = str(error.detail).lower()
    kind = f"urn:fjord:error:http-{error.status_code}"
    problem = Problem(type=kind, title=title, status=error.status_code, detail=detail)
    return respond(problem, headers)


async def _on_os_error(_request: Request, error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return answer(model.OutOfSpace(f"the data folder must have room; got {error}"))
    return _internal(error)


async def _on_disconnect(_request: Request, _error: Exception) -> Response:
    # Nobody reads this answer; without it, the server would log a fault where there is none.
    return respond(
        Problem(
            type="urn:fjord:error:disconnected",
            title="disconnected",
            status=400,
            detail="the body must come in whole; its sender hung up",
            field="body",
        )
    )


async def _on_defect(_request: Request, error: Exception) -> Response:
    return _internal(error)


def install(app: FastAPI) -> None:
    """Make an application answer every error as problem+json."""
    app.add_exception_handler(model.FjordError, _on_fjord)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(OSError, _on_os_error)
    app.add_exception_handler(Exception, _on_defect)
