"""What several folders of tests share: a whole running Fjord."""

from collections.abc import Iterator

import pytest

from api.client import Client
from api.demo.service import Service, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A real ``fjord up`` with the machines of this box, for the whole session.

    Tests share it: they use names of their own and leave the policy as it was. Whoever kills
    parts of Fjord starts one of its own with `running_service`.
    """
    with running_service(tmp_path_factory.mktemp("fjord")) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    """Talks to the shared service."""
    with Client(service.url) as talking:
        yield talking
