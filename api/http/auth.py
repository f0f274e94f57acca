"""Tokens with scopes. None is needed on loopback, unless some are set."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from fastapi.security import HTTPBearer
from starlette.requests import HTTPConnection

from api.process.settings import Settings
from scheduler.model.errors import AccessDenied, Forbidden, InvalidInput

COOKIE = "fjord_token"
FILE = "tokens.json"
VARIABLE = "FJORD_TOKENS"

bearer = HTTPBearer(auto_error=False, description="A token of `tokens.json` or `FJORD_TOKENS`.")
"""Only declares the scheme in the OpenAPI document; `AccessGate` does the checking."""


class Scope(StrEnum):
    """A right that a token gives. `operate` includes `submit`, which includes `read`."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"
    AGENT = "agent"


_INCLUDES = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.SUBMIT: frozenset({Scope.READ, Scope.SUBMIT}),
    Scope.OPERATE: frozenset({Scope.READ, Scope.SUBMIT, Scope.OPERATE}),
    Scope.AGENT: frozenset({Scope.AGENT}),
}


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is kept: its name, the SHA-256 of its secret in hex, and its scopes."""

    name: str
    sha256: str
    scopes: tuple[Scope, ...]

    def allows(self, scope: Scope) -> bool:
        """True if one of its scopes includes that one."""
        return any(scope in _INCLUDES[own] for own in self.scopes)


class TokenFile(msgspec.Struct, kw_only=True):
    """``tokens.json`` in the data folder."""

    tokens: list[Token] = []


def digest(secret: str) -> str:
    """SHA-256 of a secret in hex: nothing else of it is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_tokens(data_dir: Path, environment: Mapping[str, str] = os.environ) -> tuple[Token, ...]:
    """Tokens of the data folder and of ``FJORD_TOKENS`` (``name:scope+scope:secret,...``).

    Raises
    ------
    InvalidInput
        If one of them cannot be read.
    """
    from_variable = _parse_variable(environment.get(VARIABLE, ""))
    return (*_read_file(data_dir / FILE), *from_variable)


def write_tokens(data_dir: Path, tokens: Iterable[Token]) -> None:
    """Replace the token file; only its owner may read it."""
    path = data_dir / FILE
    temporary = path.with_suffix(".part")
    temporary.touch(mode=0o600)
    temporary.write_bytes(msgspec.json.encode(TokenFile(tokens=list(tokens))))
    temporary.rename(path)


def _read_file(path: Path) -> list[Token]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=TokenFile).tokens
    except FileNotFoundError:
        return []
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"{path} must hold tokens; got {error}", field=FILE) from None


def _parse_variable(text: str) -> list[Token]:
    return [_parse_entry(entry.strip()) for entry in text.split(",") if entry.strip()]


def _parse_entry(entry: str) -> Token:
    name, _, rest = entry.partition(":")
    scopes, _, secret = rest.partition(":")
    try:
        parsed = tuple(Scope(scope) for scope in scopes.split("+"))
    except ValueError:
        law = f"{VARIABLE} must name scopes out of {', '.join(Scope)}"
        raise InvalidInput(f"{law}; got {scopes!r} for {name!r}", field=VARIABLE) from None
    if not name or not secret:
        # The entry is not repeated: it may be a secret in the wrong place.
        raise InvalidInput(f"{VARIABLE} must be name:scope+scope:secret,...", field=VARIABLE)
    return Token(name=name, sha256=digest(secret), scopes=parsed)


def refuse_open_bind(settings: Settings, tokens: tuple[Token, ...]) -> None:
    """Refuse to listen where other computers reach the service while nobody needs a token.

    Raises
    ------
    AccessDenied
        If the address is not loopback and there is no token.
    """
    if tokens or settings.is_loopback:
        return
    raise AccessDenied(
        f"tokens must be set to listen on {settings.host!r}; got none: "
        f"add one to {settings.data_dir / FILE} or set {VARIABLE}",
        field="tokens",
    )


@dataclass(frozen=True, slots=True)
class AccessGate:
    """Lets a request in, or says why not.

    Parameters
    ----------
    tokens
        Empty on an open service: everybody on this computer may do everything.
    stays_closed
        True if a token is needed even if there is none: the last was revoked.
    """

    tokens: tuple[Token, ...] = ()
    stays_closed: bool = False

    @property
    def is_open(self) -> bool:
        """True if no token is needed."""
        return not (self.tokens or self.stays_closed)

    def admit(self, connection: HTTPConnection, scope: Scope) -> None:
        """Pass if the request has this scope.

        Raises
        ------
        AccessDenied
            Without a token, or with a wrong one.
        Forbidden
            If the token lacks the scope, or the request comes from another web page.
        """
        _refuse_other_pages(connection, local_only=self.is_open)
        header = connection.headers.get("authorization", "")
        self.admit_bearer(header, scope, else_secret=connection.cookies.get(COOKIE, ""))

    def admit_bearer(self, header: str, scope: Scope, *, else_secret: str = "") -> None:
        """Pass if an authorization header has this scope, or the secret where the header has none.

        Raises
        ------
        AccessDenied, Forbidden
            As `admit`.
        """
        if self.is_open and not header:
            return
        token = self.find(_secret(header) or else_secret)
        if not token.allows(scope):
            raise Forbidden(
                f"token {token.name!r} must have scope {scope}; got {'+'.join(token.scopes)}",
                field="authorization",
            )

    def find(self, secret: str) -> Token:
        """The token of a secret.

        Raises
        ------
        AccessDenied
            If there is none.
        """
        presented = digest(secret)
        found = None
        # All are compared, each in constant time, so that the time taken tells nothing.
        for token in self.tokens:
            if hmac.compare_digest(token.sha256, presented):
                found = token
        if found is None:
            got = "one that is not known" if secret else "none"
            raise AccessDenied(f"a bearer token must be given; got {got}", field="authorization")
        return found


class WatchedGate:
    """The gate of a data folder. Tokens that are made or revoked there count at once.

    An open service stays open until it starts again: its own agent was given no token.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._changed_ns = self._look()
        self._gate = AccessGate(read_tokens(data_dir))

    def now(self) -> AccessGate:
        """The gate as the tokens stand.

        Raises
        ------
        InvalidInput
            If the token file cannot be read.
        """
        changed_ns = self._look()
        if changed_ns != self._changed_ns and not self._gate.is_open:
            self._gate = AccessGate(read_tokens(self._data_dir), stays_closed=True)
            self._changed_ns = changed_ns
        return self._gate

    def _look(self) -> int:
        try:
            return (self._data_dir / FILE).stat().st_mtime_ns
        except FileNotFoundError:
            return 0


_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def _secret(header: str) -> str:
    scheme, _, secret = header.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _refuse_other_pages(connection: HTTPConnection, *, local_only: bool) -> None:
    """Keep a web page of somebody else from driving the service through the user's browser."""
    host = connection.headers.get("host", "")
    origin = connection.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise Forbidden(f"origin must be http://{host}; got {origin!r}", field="origin")
    # A name of theirs that resolves to this computer makes origin and host agree.
    if local_only and urlsplit(f"//{host}").hostname not in _LOCAL_NAMES:
        raise Forbidden(f"host must be a name of this computer; got {host!r}", field="host")
