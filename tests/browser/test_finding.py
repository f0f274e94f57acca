"""Filters and search narrow the list; the panel at the side keeps the place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from scheduler.control.records import RunState
from scheduler.model.problem import Band
from tests.browser import sites as make
from tests.browser.looking import open_page, row
from tests.browser.replay import Site
from tests.browser.watched import Watched

pytestmark = pytest.mark.browser

KEPT = """async () => {
  const { State } = await import("/js/base/state.js");
  const run = (id, submitted_us) => ({ run: id, state: "finished", submitted_us });
  const state = new State();
  state.applyHistory([run("r-old", 0)]);
  state.rememberRuns(Array.from({ length: 2500 }, (_, n) => run(`r-${n}`, 1 + n)));
  state.rememberRuns([]);
  return [state.runs.has("r-old"), state.runs.has("r-0"), state.runs.has("r-2499")];
}"""


@pytest.fixture
def many(site: Site) -> Site:
    """Forty runs of two workloads and all bands."""
    site.view = make.view(
        runs=tuple(
            make.run(
                f"r-{n}",
                band=Band(n % 4),
                workload=("ocr@1", "page@2")[n % 2],
                submitted_us=make.NOW_US - n * make.MS,
            )
            for n in range(40)
        )
    )
    return site


def test_list_is_narrowed_by_priority_workload_and_words(page: Page, many: Site) -> None:
    open_page(page, many)
    listed = page.get_by_test_id("runs").locator("tbody tr")
    expect(listed).to_have_count(40)
    page.get_by_label("Workload", exact=True).select_option("page")
    expect(listed).to_have_count(20)
    page.get_by_label("Priority", exact=True).select_option("high")
    expect(listed).to_have_count(10)
    page.get_by_test_id("search").fill("r-13")
    expect(listed).to_have_count(1)
    page.get_by_test_id("search").fill("no such words")
    expect(page.locator(".run-panel .list")).to_contain_text("No such run.")


def test_id_that_is_typed_whole_opens_a_run_that_the_page_does_not_list(
    page: Page, many: Site
) -> None:
    many.records["r-old"] = make.run("r-old", state=RunState.FINISHED, ended_us=make.NOW_US)
    many.view = replace(many.view, runs=many.view.runs[:3])
    open_page(page, many)
    page.get_by_test_id("search").fill("r-old")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("details")).to_contain_text("Run r-old")


def test_details_open_at_the_side_and_keep_the_place(
    page: Page, watched: Watched, many: Site
) -> None:
    open_page(page, many)
    page.get_by_test_id("runs").evaluate("(table) => { table.parentNode.scrollTop = 600; }")
    before = row(page, "r-15").bounding_box()
    button = row(page, "r-15").get_by_role("button", name="r-15", exact=True)
    button.click()
    expect(page.get_by_test_id("details")).to_contain_text("Run r-15")
    assert row(page, "r-15").bounding_box() == before
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("details")).to_be_hidden()
    assert row(page, "r-15").bounding_box() == before
    expect(button).to_be_focused()
    watched.forgive("404")


def test_log_of_a_run_tells_what_happened_in_order(page: Page, site: Site) -> None:
    operation = make.operation(
        "detect",
        -180,
        -100,
        actual_ms=(-180, -90),
        failures=(make.failure("harbour/cpu1", -185),),
    )
    ended = make.run(state=RunState.FINISHED, ended_us=make.NOW_US - 90 * make.MS)
    site.view = make.view(operation, runs=(ended,))
    site.records["r-one"] = replace(ended, operations=(operation,))
    open_page(page, site)
    row(page).click()
    expect(page.get_by_test_id("log").locator("li")).to_have_text(
        [
            "+0 µssubmitted",
            "+15.0 msdetect, attempt 1 on harbour/cpu1: the worker process crashed "
            "(ended by signal 9)",
            "+20.0 msdetect began on harbour/cpu0 with cpu",
            "+110 msdetect done after 90.0 ms",
            "+110 msfinished, no promise",
        ]
    )


def test_banner_says_when_no_controller_is_in_office(
    page: Page, watched: Watched, site: Site
) -> None:
    site.is_in_office = False
    open_page(page, site)
    banner = page.get_by_test_id("office")
    expect(banner).to_contain_text("Nothing is planned: no controller is in office.")
    site.is_in_office = True
    expect(banner).to_be_hidden()
    watched.forgive("503")


def test_run_that_was_looked_back_for_stays_while_later_ones_are_forgotten(
    page: Page, site: Site
) -> None:
    open_page(page, site)
    assert page.evaluate(KEPT) == [True, False, True]
