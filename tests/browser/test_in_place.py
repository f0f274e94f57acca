"""A list that moves can be pressed: rows change in place, and wait while a pointer is there."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, expect

from scheduler.control.records import OperationState, RunRecord, RunState
from tests.browser import sites as make
from tests.browser.looking import bar, open_page, row
from tests.browser.replay import Site

pytestmark = pytest.mark.browser

REACTION_MS, PRESS_MS = 250, 100
CLICKS = 10
UNDER = "([x, y]) => document.elementFromPoint(x, y).closest('tr').dataset.run"
SHIFTS = """() => { window.shift = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({ type: "layout-shift" }); }"""


class Stream(threading.Thread):
    """Submits a run every second while it is entered."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site
        self.over = threading.Event()

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        for number in count():
            if self.over.wait(1.0):
                return
            submit(self.site, f"r-new{number}")


def submit(site: Site, run: str) -> None:
    """Show a run that came after all others, which end."""
    before = tuple(
        replace(each, state=RunState.FINISHED, ended_us=make.NOW_US, reason="")
        for each in site.view.runs
    )
    submitted_us = before[0].submitted_us + make.MS
    fresh = make.run(run, submitted_us=submitted_us, reason="waits_for_machine")
    show(site, fresh, *before)


def show(site: Site, *runs: RunRecord) -> None:
    site.records = {run.run: run for run in runs}
    site.show(replace(site.view, at_us=site.view.at_us + make.MS, runs=runs))


def runs(many: int = 12) -> tuple[RunRecord, ...]:
    return tuple(make.run(f"r-{n}", submitted_us=make.NOW_US - n * make.MS) for n in range(many))


def open_list(page: Page, site: Site) -> None:
    show(site, *runs())
    open_page(page, site)
    expect(row(page, "r-11")).to_be_attached()
    page.locator(".run-panel").scroll_into_view_if_needed()


def press(page: Page, number: int) -> str:
    """Press a row of the list as a person does; gives the run that was aimed at."""
    body = page.get_by_test_id("runs").locator("tbody tr").nth(number).bounding_box()
    assert body is not None
    x, y = body["x"] + 300, body["y"] + body["height"] / 2
    page.mouse.move(x, y)
    aimed_at = str(page.evaluate(UNDER, [x, y]))
    page.wait_for_timeout(REACTION_MS)
    page.mouse.down()
    page.wait_for_timeout(PRESS_MS)
    page.mouse.up()
    return aimed_at


def test_ten_of_ten_presses_on_a_moving_list_open_the_run_that_was_aimed_at(
    page: Page, site: Site
) -> None:
    open_list(page, site)
    with Stream(site):
        for number in range(CLICKS):
            aimed_at = press(page, number % 4)
            heading = page.get_by_test_id("details").locator("h2")
            expect(heading).to_have_text(f"Run {aimed_at}")


def test_new_runs_wait_while_the_pointer_is_over_the_list(page: Page, site: Site) -> None:
    open_list(page, site)
    row(page, "r-1").hover()
    submit(site, "r-new")
    expect(page.get_by_test_id("waiting")).to_have_text("Show 1 new")
    expect(row(page, "r-0")).to_have_attribute("data-state", "finished")
    expect(row(page, "r-new")).to_have_count(0)
    page.mouse.move(1, 1)
    expect(row(page, "r-new")).to_be_attached()
    expect(page.get_by_test_id("waiting")).to_have_count(0)


def test_under_fingers_new_runs_come_when_they_are_asked_for(browser: Browser, site: Site) -> None:
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = phone.new_page()
    open_list(page, site)
    submit(site, "r-new")
    waiting = page.get_by_test_id("waiting")
    expect(waiting).to_have_text("Show 1 new")
    expect(row(page, "r-new")).to_have_count(0)
    waiting.tap()
    expect(row(page, "r-new")).to_be_attached()
    row(page, "r-0").tap()
    expect(page.get_by_test_id("details")).to_contain_text("Run r-0")
    phone.close()


def test_what_changes_in_a_row_changes_in_place_and_moves_nothing(page: Page, site: Site) -> None:
    open_list(page, site)
    kept = row(page, "r-3").element_handle()
    button = row(page, "r-3").get_by_role("button", name="r-3", exact=True)
    button.focus()
    place = kept.bounding_box()
    page.evaluate(SHIFTS)
    submit(site, "r-new")
    expect(row(page, "r-3")).to_have_attribute("data-state", "finished")
    expect(button).to_be_focused()
    assert kept.evaluate("(node) => node.isConnected")
    assert kept.bounding_box() == place
    # A digit more or less in the figures is all that moves.
    assert page.evaluate("window.shift") < 0.01


def test_press_on_a_bar_of_a_moving_chart_explains_that_bar(page: Page, site: Site) -> None:
    done = make.operation("detect", -900, -700, actual_ms=(-900, -690))
    running = make.operation("read", -600, 9_000, actual_ms=(-600, None), run="r-two")
    site.view = make.view(done, replace(running, state=OperationState.RUNNING))
    open_page(page, site)
    body = bar(page, "r-one/detect").locator(".actual").bounding_box()
    assert body is not None
    page.mouse.move(body["x"] + body["width"] / 2, body["y"] + body["height"] / 2)
    page.wait_for_timeout(REACTION_MS)
    page.mouse.down()
    page.wait_for_timeout(PRESS_MS)
    page.mouse.up()
    expect(page.get_by_test_id("details")).to_contain_text("Why here: detect")
