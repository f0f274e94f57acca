"""``fjord token``: tokens and their scopes."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options, output
from scheduler.model.errors import DuplicateName, InvalidInput, UnknownName

if TYPE_CHECKING:
    from api.http.auth import Scope, Token

app = typer.Typer(help="Tokens of this data folder: create, list, revoke.", no_args_is_help=True)

SECRET_BYTES = 24


@app.command()
def create(
    name: str,
    scope: Annotated[list[str], typer.Option(help="read, submit, operate or agent. Repeatable.")],
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Make a token and print its secret, once."""
    from api.http.auth import Token, digest, write_tokens
    from api.process.privacy import keep_private

    folder = _folder(data)
    tokens = _own_tokens(folder)
    if any(token.name == name for token in tokens):
        raise DuplicateName(f"name must be new; got {name!r}", field="name")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    made = Token(name=name, sha256=digest(secret), scopes=_scopes(scope))
    keep_private(folder)
    write_tokens(folder, [*tokens, made])
    if as_json:
        return output.print_json({"name": name, "scopes": made.scopes, "secret": secret})
    output.console().print(secret, soft_wrap=True, markup=False)
    output.note(
        "shown this once; a service that wants tokens knows it now, an open one when it starts"
    )


def _scopes(texts: list[str]) -> tuple[Scope, ...]:
    from api.http.auth import Scope

    try:
        return tuple(Scope(text) for text in texts)
    except ValueError:
        choices = ", ".join(Scope)
        raise InvalidInput(
            f"--scope must be one of {choices}; got {texts}", field="scope"
        ) from None


def _folder(data: Path | None) -> Path:
    from api.process.settings import Settings

    return data or Settings.from_environment().data_dir


def _own_tokens(folder: Path) -> list[Token]:
    from api.http.auth import read_tokens

    # Without the variable: its tokens belong to the process, not to the folder.
    return list(read_tokens(folder, environment={}))


@app.command("list")
def list_tokens(data: options.Data = None, as_json: options.Json = False) -> None:
    """List the tokens; their secrets are not kept."""
    found = [{"name": t.name, "scopes": list(t.scopes)} for t in _own_tokens(_folder(data))]
    if as_json:
        return output.print_json({"tokens": found})
    rows = [(token["name"], ", ".join(token["scopes"])) for token in found]
    output.print_table(("name", "scopes"), rows, empty="no tokens: open on loopback")


@app.command()
def revoke(name: str, data: options.Data = None, as_json: options.Json = False) -> None:
    """Take a token back, at once."""
    from api.http.auth import write_tokens

    folder = _folder(data)
    tokens = _own_tokens(folder)
    kept = [token for token in tokens if token.name != name]
    if len(kept) == len(tokens):
        raise UnknownName(f"name must be that of a token; got {name!r}", field="name")
    write_tokens(folder, kept)
    if as_json:
        return output.print_json({"revoked": name})
    output.console().print(f"revoked {name}")
