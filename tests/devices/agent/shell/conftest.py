"""A real store per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "store"
    folder.mkdir()
    server = Server(folder)
    server.start()
    yield server
    server.kill()
