"""The context that routes share: settings, the gate, the services, a memory of workloads."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httpx
from fastapi import Request

from api.history import Reader
from api.http.auth import AccessGate, WatchedGate
from api.http.body.json_process import JsonProcess
from api.http.limits import Seats
from api.http.live import LiveViews
from api.http.metrics import Metrics
from api.http.settling import Settling
from api.process.settings import Settings
from api.store import Store
from api.store.catalogue import WorkloadRecord
from api.wiring import Services

REMEMBERED_S = 1.0
"""Time for which another process may still start runs of a workload that was deleted here."""
MAX_REMEMBERED = 1_000


class Workloads:
    """Workloads by name and version, remembered for a moment: every run looks its own up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, int | None], tuple[float, WorkloadRecord]] = {}

    async def get(self, name: str, version: int | None) -> WorkloadRecord:
        """That version, by default the latest; `UnknownName` if there is none."""
        now_s = time.monotonic()
        known = self._known.get((name, version))
        if known is not None and now_s - known[0] < REMEMBERED_S:
            return known[1]
        self._known.pop((name, version), None)
        record = await self._store.workload(name, version)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[name, version] = (now_s, record)
        return record

    def forget(self, name: str) -> None:
        """Look a workload up again: it was changed here."""
        self._known = {key: value for key, value in self._known.items() if key[0] != name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that a route may need.

    Parameters
    ----------
    client, tensor_token
        For tensors that lie on other boxes: the token is the same in the whole site.
    json
        Reads long bodies of JSON outside of this process.
    settling
        Follows submissions of which nobody knows the outcome.
    seats
        Places for callers that listen or wait.
    filing
        Held while a model's file and its record are made or removed together.
    checking
        Held while a child checks and counts a model: each may take as much memory as is allowed,
        so that others wait.
    """

    settings: Settings
    gates: WatchedGate
    services: Services
    workloads: Workloads
    metrics: Metrics
    live: LiveViews
    client: httpx.AsyncClient
    tensor_token: str
    json: JsonProcess
    settling: Settling
    seats: Seats
    filing: asyncio.Lock = field(default_factory=asyncio.Lock)
    checking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def gate(self) -> AccessGate:
        """The gate as the tokens stand now."""
        return self.gates.now()

    @property
    def store(self) -> Store:
        """The store of the site."""
        return self.services.store

    @property
    def history(self) -> Reader:
        """The archive of ended runs."""
        return Reader(self.settings.data_dir)

    @property
    def tensor_headers(self) -> dict[str, str]:
        """Headers by which this process may fetch tensors from other boxes."""
        return {"Authorization": f"Bearer {self.tensor_token}"}

    @property
    def models_dir(self) -> Path:
        """Folder of the model files, each under its digest."""
        return self.settings.data_dir / "models"

    def model_path(self, digest: str) -> Path:
        """File of a model."""
        return self.models_dir / f"{digest}.onnx"


def of(request: Request) -> Context:
    """Find the context of the application that serves a request."""
    return cast(Context, request.app.state.context)
