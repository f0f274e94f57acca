from collections.abc import Sequence

import pytest

from cost_models.learned import Artifact, train
from cost_models.profiles.measurement import Measurement
from tests.cost_models import world


@pytest.fixture(scope="session")
def measured() -> Sequence[Measurement]:
    return world.rows()


@pytest.fixture(scope="session")
def artifact(measured: Sequence[Measurement]) -> Artifact:
    return train(measured, seed=1)
