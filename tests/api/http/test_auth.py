from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import HTTPConnection

from api.http.auth import (
    AccessGate,
    Scope,
    Token,
    WatchedGate,
    digest,
    read_tokens,
    refuse_open_bind,
    write_tokens,
)
from api.process.settings import Settings
from scheduler.model.errors import AccessDenied, Forbidden, InvalidInput


def _token(*scopes: Scope) -> Token:
    return Token(name="t", sha256=digest("secret"), scopes=scopes)


def _request(**headers: str) -> HTTPConnection:
    given = {"host": "127.0.0.1:8080", **headers}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    return HTTPConnection({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("own", "allowed"),
    [
        (Scope.READ, {Scope.READ}),
        (Scope.SUBMIT, {Scope.READ, Scope.SUBMIT}),
        (Scope.OPERATE, {Scope.READ, Scope.SUBMIT, Scope.OPERATE}),
        (Scope.AGENT, {Scope.AGENT}),
    ],
)
def test_a_scope_includes_the_lower_ones(own: Scope, allowed: set[Scope]) -> None:
    gate = AccessGate((_token(own),))
    request = _request(authorization="Bearer secret")
    for scope in Scope:
        if scope in allowed:
            gate.admit(request, scope)
        else:
            with pytest.raises(Forbidden, match=f"must have scope {scope}; got {own}"):
                gate.admit(request, scope)


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"cookie": "a=b"}])
def test_a_closed_service_wants_a_token_that_it_knows(header: dict[str, str]) -> None:
    with pytest.raises(AccessDenied, match="a bearer token must be given"):
        AccessGate((_token(Scope.READ),)).admit(_request(**header), Scope.READ)


def test_a_browser_may_show_its_token_as_a_cookie() -> None:
    gate = AccessGate((_token(Scope.READ),))
    gate.admit(_request(cookie="fjord_token=secret"), Scope.READ)  # raises nothing
    with pytest.raises(AccessDenied, match="one that is not known"):
        gate.admit(_request(cookie="fjord_token=wrong"), Scope.READ)


def test_tokens_that_are_made_or_revoked_count_at_once(tmp_path: Path) -> None:
    write_tokens(tmp_path, [_token(Scope.READ)])
    gates = WatchedGate(tmp_path)
    late = Token(name="late", sha256=digest("later"), scopes=(Scope.AGENT,))
    write_tokens(tmp_path, [late])
    assert gates.now().find("later") == late
    write_tokens(tmp_path, [])
    for secret in ("secret", "later", ""):
        with pytest.raises(AccessDenied):
            gates.now().find(secret)
    assert not gates.now().is_open


def test_an_open_service_stays_open_until_it_starts_again(tmp_path: Path) -> None:
    gates = WatchedGate(tmp_path)
    write_tokens(tmp_path, [_token(Scope.READ)])
    assert gates.now().is_open


def test_an_open_service_wants_no_token_but_refuses_a_wrong_one() -> None:
    AccessGate().admit(_request(), Scope.OPERATE)
    AccessGate().admit(_request(cookie="fjord_token=left-over"), Scope.OPERATE)
    with pytest.raises(AccessDenied, match="not known"):
        AccessGate().admit(_request(authorization="Bearer wrong"), Scope.READ)


@pytest.mark.parametrize(
    "header", [{"origin": "http://evil.example"}, {"host": "evil.example:8080"}]
)
def test_a_web_page_of_somebody_else_cannot_drive_an_open_service(header: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        AccessGate().admit(_request(**header), Scope.SUBMIT)
    AccessGate().admit(_request(origin="http://127.0.0.1:8080"), Scope.SUBMIT)


def test_listening_where_others_reach_it_needs_a_token(tmp_path: Path) -> None:
    outside = Settings(data_dir=tmp_path, host="0.0.0.0")
    with pytest.raises(AccessDenied, match=r"tokens must be set to listen on '0\.0\.0\.0'"):
        refuse_open_bind(outside, ())
    refuse_open_bind(outside, (_token(Scope.READ),))
    refuse_open_bind(Settings(data_dir=tmp_path), ())


def test_tokens_come_from_the_data_folder_and_from_the_environment(tmp_path: Path) -> None:
    write_tokens(tmp_path, [_token(Scope.READ)])
    found = read_tokens(tmp_path, {"FJORD_TOKENS": "ci:submit+agent:a:b, box:agent:c"})
    assert [token.name for token in found] == ["t", "ci", "box"]
    assert found[1].scopes == (Scope.SUBMIT, Scope.AGENT)
    assert found[1].sha256 == digest("a:b")
    path = tmp_path / "tokens.json"
    assert "secret" not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["x", "x:admin:s", "x:read:", ":read:s"])
def test_a_token_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match="FJORD_TOKENS must"):
        read_tokens(tmp_path, {"FJORD_TOKENS": text})


def test_a_token_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text('{"tokens": [{"name": 3}]}')
    with pytest.raises(InvalidInput, match="must hold tokens"):
        read_tokens(tmp_path, {})
