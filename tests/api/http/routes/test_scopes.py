"""A token opens what its scope names, and nothing else."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from api.http.auth import Scope, Token, digest, write_tokens
from api.process.settings import Settings
from tests.api.http.routes.conftest import serving

pytestmark = pytest.mark.anyio


async def test_a_token_lets_in_only_as_far_as_its_scope(store_url: str, tmp_path: Path) -> None:
    secrets = {scope: f"secret-{scope}" for scope in Scope}
    settings = Settings(data_dir=tmp_path, store_url=store_url, site=tmp_path.name, box="closed")
    write_tokens(
        tmp_path, [Token(name=s, sha256=digest(text), scopes=(s,)) for s, text in secrets.items()]
    )
    calls = {
        Scope.READ: ("GET", "/v1/runs"),
        Scope.SUBMIT: ("POST", "/v1/workloads/none/runs"),
        Scope.OPERATE: ("DELETE", "/v1/models/none"),
        Scope.AGENT: ("GET", "/v1/tensors/r-1/x"),
    }
    order = [Scope.READ, Scope.SUBMIT, Scope.OPERATE]
    async with serving(settings) as (url, _), httpx.AsyncClient(base_url=url) as client:
        for wanted, (method, path) in calls.items():
            nobody = await client.request(method, path)
            assert (nobody.status_code, "www-authenticate" in nobody.headers) == (401, True)
            for own, secret in secrets.items():
                headers = {"authorization": f"Bearer {secret}"}
                answer = await client.request(method, path, headers=headers)
                allowed = own is wanted or (
                    {own, wanted} <= set(order) and order.index(own) > order.index(wanted)
                )
                assert (answer.status_code != 403) is allowed
        assert (await client.get("/healthz")).status_code == 200
        body = {"token": secrets[Scope.READ]}
        assert (await client.post("/v1/session", json=body | {"token": "x"})).status_code == 401
        session = await client.post("/v1/session", json=body)
        assert "HttpOnly" in session.headers["set-cookie"]
        assert (await client.get("/v1/runs")).status_code == 200
        await client.delete("/v1/session")
        assert (await client.get("/v1/runs")).status_code == 401
