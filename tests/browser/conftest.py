"""A real browser, and a page whose every complaint fails the test."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.browser.replay import Server, Site
from tests.browser.sites import view
from tests.browser.watched import Watched

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture
def site() -> Iterator[Site]:
    shown = Site(view=view())
    server = Server(shown)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.listening.wait(timeout=10)
    yield shown
    shown.lose()
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    # Not for the session: while it lives, its event loop runs, and no other test could start one.
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is not installed"
        if os.environ.get("FJORD_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    launched = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    yield launched
    launched.close()


@pytest.fixture
def watched(site: Site, browser: Browser) -> Iterator[Watched]:
    # The site is asked for so that it outlives the page, which would complain of its end.
    del site
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    seen = Watched(context.new_page())
    yield seen
    context.close()
    assert seen.complaints == []


@pytest.fixture
def page(watched: Watched) -> Page:
    """A page 1280 wide; a complaint in its console fails the test."""
    return watched.page
