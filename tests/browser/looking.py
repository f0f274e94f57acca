"""The steps that all tests of the dashboard share."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.replay import Site


def open_page(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(page.get_by_test_id("live")).to_have_attribute("data-status", "live")


def bar(page: Page, operation: str) -> Locator:
    return page.locator(f'[data-testid="bar"][data-operation="{operation}"]')


def row(page: Page, run: str = "r-one") -> Locator:
    return page.locator(f'tr[data-run="{run}"]')
