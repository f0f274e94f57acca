from __future__ import annotations

import pytest

from api.cli.app import run
from api.oracle.oracle import ARTIFACT
from cost_models.profiles.store import Store
from tests.cost_models import world


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A trained artifact, as a file."""
    folder = tmp_path_factory.mktemp("trained")
    Store(folder / "rows", "box").append(world.rows(families=range(4), each=2))
    assert run(["cost", "train", str(folder / "rows"), "--into", str(folder / ARTIFACT)]) == 0
    return (folder / ARTIFACT).read_bytes()
