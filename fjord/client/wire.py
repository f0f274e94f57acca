"""Requests, answers, tensors and live events, as they go over the wire."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import httpx

from fjord.errors import FjordApiError, FjordUnreachable, InvalidValue
from fjord.narrow import WIDE, narrowed, unlabelled

if TYPE_CHECKING:
    import numpy as np

FINAL_STATES = frozenset({"finished", "failed", "cancelled"})
MAX_CONNECTIONS = 500
"""Of one client: each run that is waited for holds one, and a process may open 1024 files."""

T = TypeVar("T")
Json: TypeAlias = dict[str, Any]
Tensor: TypeAlias = "np.ndarray[Any, Any]"
Plain: TypeAlias = "bool | int | float | complex | str | np.generic"
Input: TypeAlias = "Tensor | Plain | Sequence[Any] | bytes | Path"
File: TypeAlias = "Tensor | Sequence[Tensor] | bytes | Path"
"""An input that can be sent as a file as it is."""
Output: TypeAlias = "Tensor | list[Any]"
Part: TypeAlias = "tuple[str | None, bytes, str]"
"""Name of the file, content and type of a part of a form; a plain field has no file."""


class _OfClient:
    """Keeps the way to a client beside the fields of a run: copies and pickles leave it behind."""

    __slots__ = ("_results",)
    _results: Callable[[Run], Any]


@dataclass(frozen=True, slots=True, repr=False)
class Run(_OfClient):
    """One execution of a workload, as it was when the service answered.

    Parameters
    ----------
    record
        The whole record, as the service sent it; empty if the run was only just accepted.
    """

    id: str
    state: str = "queued"
    record: Json = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """True if the run has ended."""
        return self.state in FINAL_STATES

    @property
    def reason(self) -> str:
        """The reason for which the run waits, or ended as it did."""
        return " ".join(filter(None, (self.record.get("reason"), self.record.get("detail"))))

    @property
    def cursor(self) -> str:
        """The place in a list behind this run; empty if it was only just accepted."""
        return f"{self.record['submitted_us']}.{self.id}" if self.record else ""

    def results(self) -> Any:
        """Fetch the outputs as `results` of its client does; with `AsyncClient`, await it.

        Raises
        ------
        RunFailed, NotFinished
            If there are none, or none yet.
        LookupError
            If no client gave this run: it was made by hand, or is a copy.
        """
        fetch = getattr(self, "_results", None)
        if fetch is None:
            raise LookupError(f"run {self.id} knows no client: ask client.results(run)")
        return fetch(self)

    def of_client(self, results: Callable[[Run], Any]) -> Run:
        """Tell the run how its client fetches results."""
        object.__setattr__(self, "_results", results)
        return self

    def __repr__(self) -> str:
        workload = f" of {self.record['workload']}" if "workload" in self.record else ""
        return f"<Run {self.id}{workload}: {' '.join(filter(None, (self.state, self.reason)))}>"

    def _repr_html_(self) -> str:
        from fjord.client.notebook import run_html

        return run_html(self)


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One message of the live stream: ``view`` (the whole site) or ``run`` (one run changed)."""

    name: str
    data: Json


class Repeat(Enum):
    """Answers after which a request may be sent once more."""

    ALWAYS = auto()
    IF_REFUSED = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, not sent yet.

    Parameters
    ----------
    wait_s
        Seconds that the service itself may take before it answers, on top of the client's limit.
    repeat
        ``ALWAYS`` if doing it twice is doing it once. ``IF_REFUSED`` for a submission: once the
        service says that nothing was accepted, or under the id that it names.
    patience_s
        Most seconds to wait for a busy service, if less than the client's own.
    rank
        Of requests that are made in one go, those of the least rank are sent first.
    is_stream
        True if the body of the answer has no end: who asked reads it as it comes, and closes it.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    files: Sequence[tuple[str, Part]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    repeat: Repeat = Repeat.ALWAYS
    patience_s: float = math.inf
    rank: int = 0
    is_stream: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Time to let pass before the next step."""

    seconds: float


Steps: TypeAlias = Generator[Request | Pause, httpx.Response, T]


def decode_output(response: httpx.Response) -> Output:
    """Read an output that came as a file of its own, ``.npy`` or ``.npz``, or as JSON."""
    if response.headers["content-type"].startswith("application/json"):
        answer = response.json()
        return [tensor(item) for item in answer] if isinstance(answer, list) else tensor(answer)
    import numpy as np

    loaded = np.load(io.BytesIO(response.content), allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return _texts_as_list(loaded)
    return [_texts_as_list(loaded[key]) for key in sorted(loaded.files)]


def _texts_as_list(array: Tensor) -> Output:
    return array.tolist() if array.dtype.kind == "U" else unlabelled(array)


def tensor(answer: Json) -> Output:
    """Read a tensor that came as JSON."""
    if answer["dtype"] == "string":
        return list(answer["data"])
    import numpy as np

    dtype = answer["dtype"]
    array = np.asarray(answer["data"], dtype=WIDE.get(dtype, dtype)).reshape(answer["shape"])
    if dtype not in WIDE:
        return array
    try:
        return narrowed(array, dtype)
    except ImportError:  # without ml_dtypes the wider type holds the same numbers
        return array


def checked_address(text: str) -> str:
    """Pass on the address of a service; raise `InvalidValue` if it is none."""
    law = "the address of a service must be like http://127.0.0.1:8080"
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise InvalidValue(f"{law}; got {text!r}: {error}", field="base_url") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidValue(f"{law}; got {text!r}", field="base_url")
    return text


def settings(base_url: str, token: str | None) -> Json:
    """Say address, token and connections in the words of httpx."""
    # A header with a line end is refused by an error that shows it, and files end in one.
    secret = (token or "").strip()
    given = {"Authorization": f"Bearer {secret}"} if secret else {}
    return {
        "base_url": base_url,
        "headers": given,
        "limits": httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=20),
    }


def arguments(request: Request, timeout_s: float) -> Json:
    """Say a request in the words of httpx."""
    # The wait for a connection has no limit: it is no silence of the service.
    arguments: Json = {
        "method": request.method,
        "url": request.path,
        "params": request.params,
        "headers": request.headers,
        "timeout": httpx.Timeout(timeout_s + request.wait_s, pool=None),
    }
    if request.files:
        return arguments | {"files": list(request.files), "data": request.body}
    return arguments | {"json": request.body, "content": request.content}


def checked(response: httpx.Response) -> httpx.Response:
    """Pass a success on; raise the error that a problem describes."""
    if response.is_success:
        return response
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    title = str(problem.get("title") or response.reason_phrase)
    detail = str(problem.get("detail") or "")
    field, run = str(problem.get("field") or ""), str(problem.get("run") or "")
    after_s = _retry_after_s(response)
    raise FjordApiError(response.status_code, title, detail, field, run, retry_after_s=after_s)


def _retry_after_s(response: httpx.Response) -> float | None:
    # The header may hold a date instead: Fjord never sends one, and a proxy's clock is another.
    said = response.headers.get("retry-after", "").strip()
    return float(said) if said.isascii() and said.isdigit() else None


@contextmanager
def reaching(base_url: str) -> Iterator[None]:
    """Raise `FjordUnreachable`, with the address, where nothing answers inside."""
    try:
        yield
    except httpx.TransportError as error:
        # Those of a silent service have no words of their own on asyncio.
        said = str(error) or type(error).__name__
        raise FjordUnreachable(0, "no answer", f"{base_url}: {said}") from error


class EventReader:
    """Puts the lines of a server-sent stream together."""

    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []

    def feed(self, line: str) -> ServerEvent | None:
        """Take in one line; the empty line after an event gives the event."""
        if line:
            key, _, value = line.partition(":")
            if key == "event":
                self._name = value.strip()
            elif key == "data":
                self._data.append(value.removeprefix(" "))
            return None
        event = ServerEvent(self._name, json.loads("\n".join(self._data))) if self._data else None
        self._name, self._data = "", []
        return event
