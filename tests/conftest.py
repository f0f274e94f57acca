"""Fixtures of all folders of tests: a running Fjord, the providers of this host, and settings."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from api.tools.demo.service import Service, running_service
from fjord import Client
from tests import providers

# Settings of whoever runs the tests are not theirs.
os.environ["FJORD_CONFIG"] = os.devnull

# The box is shared: how long an example takes says nothing about the code.
settings.register_profile("fjord", deadline=None)
settings.load_profile("fjord")


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A real ``fjord up`` with the machines of this box, for the whole session.

    Tests share it: they use names of their own and leave the policy as it was. A test that kills
    parts of Fjord starts one of its own with `running_service`.
    """
    with running_service(tmp_path_factory.mktemp("fjord")) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    """Talks to the shared service."""
    with Client(service.url) as talking:
        yield talking


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a test of certain providers run only where they are."""
    for mark in item.iter_markers("provider"):
        for name in mark.args:
            providers.require(item, name)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say on which providers tests passed on this host."""
    line = providers.summary(terminalreporter.stats)
    if line:
        terminalreporter.write_line(line)
