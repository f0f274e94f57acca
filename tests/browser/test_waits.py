"""The dashboard shows the waits of runs, the victims of preemption, and the reservations."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from scheduler.control.records import (
    AttemptRecord,
    Cause,
    Inversion,
    InversionKind,
    KeptWindow,
    OperationState,
    RunRecord,
    RunState,
    SiteView,
)
from scheduler.model.messages import FailureReason
from scheduler.model.problem import Band
from tests.browser import sites as make
from tests.browser.looking import bar, open_page
from tests.browser.replay import Site
from tests.browser.test_appearance import TOO_WIDE

pytestmark = pytest.mark.browser

NOW_US, MS = make.NOW_US, make.MS


def gave_way() -> AttemptRecord:
    """An attempt of 600 ms that was stopped for a critical page."""
    return AttemptRecord(
        attempt=1,
        machine="harbour/cpu0",
        provider="cpu",
        reason=FailureReason.CANCELLED,
        message="gave way to r-now/detect",
        at_us=NOW_US - 1_400 * MS,
        started_us=NOW_US - 2_000 * MS,
        gave_way_to="r-now/detect",
    )


def busy_site() -> SiteView:
    """A background operation that was preempted, the critical one, and a reserved window."""
    now = make.operation(
        "detect", -1_380, -900, actual_ms=(-1_380, -880), run="r-now", band=Band.CRITICAL
    )
    again = make.operation(
        "embed",
        -880,
        -100,
        actual_ms=(-870, None),
        band=Band.BACKGROUND,
        state=OperationState.RUNNING,
        attempt=2,
        failures=(gave_way(),),
    )
    kept = KeptWindow(
        machine="harbour/cpu1",
        workload="camera@3",
        band=Band.CRITICAL,
        from_us=NOW_US + 200 * MS,
        until_us=NOW_US + 1_500 * MS,
    )
    return make.view(now, again, kept=(kept,), runs=(finished(), make.run()))


def finished() -> RunRecord:
    return make.run(
        "r-now",
        state=RunState.FINISHED,
        band=Band.CRITICAL,
        submitted_us=NOW_US - 1_420 * MS,
        started_us=NOW_US - 1_380 * MS,
        ended_us=NOW_US - 880 * MS,
        waited={Cause.STOP: 20 * MS, Cause.LOWER_WORK: 60 * MS, Cause.CONTROLLER: 3 * MS},
        inversions=(inversion(),),
    )


def look_at_run(page: Page, site: Site) -> None:
    """Open the page, and on it the run that is critical."""
    site.view = busy_site()
    site.records["r-now"] = replace(finished(), operations=site.view.bars)
    open_page(page, site)
    page.locator('tr[data-run="r-now"]').get_by_role("button", name="r-now").click()


def inversion() -> Inversion:
    return Inversion(
        kind=InversionKind.SAME_MACHINE,
        machine="harbour/cpu0",
        operation="r-now/detect",
        run="r-now",
        band=Band.CRITICAL,
        lower_operation="r-one/embed",
        lower_run="r-one",
        lower_band=Band.BACKGROUND,
        ready_us=NOW_US - 1_420 * MS,
        began_us=NOW_US - 1_400 * MS,
        started_us=NOW_US - 1_380 * MS,
    )


# Both in one look: the chart may move between two.
WIDTHS = """() => [".gave-way .lost", '[data-operation="r-now/detect"] .actual']
  .map((part) => document.querySelector(part).getBBox().width)"""


def test_attempt_that_gave_way_is_drawn_as_long_as_it_ran_and_names_for_whom(
    page: Page, site: Site
) -> None:
    site.view = busy_site()
    open_page(page, site)
    mark = page.get_by_test_id("gave-way")
    expect(mark).to_have_class("bar background gave-way")
    expect(mark.locator("title")).to_have_text(
        "embed of r-one gave way to r-now/detect: 600 ms to be done again"
    )
    expect(page.get_by_test_id("failed-attempt")).to_have_count(0)
    lost, ran = page.evaluate(WIDTHS)
    assert lost / ran == pytest.approx(600 / 500, abs=0.05)
    bar(page, "r-one/embed").locator(".actual").click()
    expect(page.get_by_test_id("failures")).to_contain_text("gave way to r-now/detect")


def test_window_that_is_kept_free_stands_in_the_row_of_its_machine(page: Page, site: Site) -> None:
    site.view = busy_site()
    open_page(page, site)
    window = page.get_by_test_id("kept")
    expect(window.locator("title")).to_contain_text("Kept free for the next run of camera@3")
    site.show(make.view())
    expect(window).to_have_count(0)


def test_run_says_what_it_waited_for_and_what_went_before_it(page: Page, site: Site) -> None:
    look_at_run(page, site)
    waits = page.get_by_test_id("waits")
    expect(waits).to_contain_text("Waited 83.0 ms of 540 ms")
    expect(waits.locator("tbody tr").first).to_have_attribute("data-cause", "lower_work")
    expect(waits.locator("tbody tr").first).to_contain_text("72 %")
    expect(page.get_by_test_id("inversion")).to_contain_text(
        "r-one/embed, less urgent, began on harbour/cpu0 20.0 ms before r-now/detect"
    )


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_waits_fit_in_any_width(
    page: Page, site: Site, width: int, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    look_at_run(page, site)
    expect(page.get_by_test_id("waits")).to_be_visible()
    expect(page.get_by_test_id("run-details").locator("tr[data-operation]")).to_have_count(2)
    assert page.evaluate(TOO_WIDE) == []
