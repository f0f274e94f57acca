"""The last lines of the tests say which blocks of the pages were only shown."""

from __future__ import annotations

import pytest

from tests.docs.blocks import summary


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print them where a page was read."""
    passed = terminalreporter.stats.get("passed", [])
    if any("test_page_does_what_it_shows" in report.nodeid for report in passed):
        terminalreporter.write_line(summary())
