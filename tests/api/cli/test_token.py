import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.cli.app import run
from api.http.auth import Scope, digest, read_tokens

Token = Callable[..., Any]


@pytest.fixture
def token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Token:
    def call(*arguments: str, code: int = 0) -> Any:
        assert run(["token", *arguments, "--data", str(tmp_path), "--json"]) == code
        out, err = capsys.readouterr()
        return json.loads(out) if code == 0 else err

    return call


def test_a_new_token_is_kept_as_its_digest_only(tmp_path: Path, token: Token) -> None:
    made = token("create", "ci", "--scope", "submit")
    (kept,) = read_tokens(tmp_path, environment={})
    assert (kept.name, kept.scopes) == ("ci", (Scope.SUBMIT,))
    assert kept.sha256 == digest(made["secret"])
    assert made["secret"] not in (tmp_path / "tokens.json").read_text()


def test_a_name_is_given_once_and_free_again_after_it_was_revoked(token: Token) -> None:
    token("create", "ci", "--scope", "read")
    assert "name must be new; got 'ci'" in token("create", "ci", "--scope", "read", code=2)
    token("revoke", "ci")
    assert token("list") == {"tokens": []}
    assert "name must be that of a token" in token("revoke", "ci", code=2)


def test_an_unknown_scope_is_told_those_there_are(token: Token) -> None:
    assert "read, submit, operate, agent" in token("create", "ci", "--scope", "all", code=2)
