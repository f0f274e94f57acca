"""Lateness is against the promise at submission, and the counts of what went wrong agree."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from scheduler.control.records import RunRecord, RunState
from tests.browser import sites as make
from tests.browser.looking import open_page, row
from tests.browser.replay import Site

pytestmark = pytest.mark.browser

NOW_US, MS = make.NOW_US, make.MS
S = 1000 * MS
PROMISE: dict[str, Any] = {"predicted_p50_us": NOW_US - 99 * S, "predicted_p95_us": NOW_US - 98 * S}


def late(run: str = "r-late", **given: Any) -> RunRecord:
    """A run that was promised within a second and ended 99 s after that."""
    fields: dict[str, Any] = {
        "state": RunState.FINISHED,
        "submitted_us": NOW_US - 100 * S,
        "ended_us": NOW_US,
    }
    return make.run(run, **PROMISE, **fields | given)


def dropped(run: str = "r-dropped") -> RunRecord:
    limits: dict[str, Any] = {"deadline_us": NOW_US - 99_700 * MS, "ended_us": NOW_US - 99_700 * MS}
    return late(run, state=RunState.FAILED, reason="deadline", **limits)


def test_late_run_says_by_how_much_it_broke_its_promise(page: Page, site: Site) -> None:
    site.view = make.view(runs=(late(),))
    site.records["r-late"] = late()
    open_page(page, site)
    expect(row(page, "r-late")).to_contain_text("1 min 39 s late")
    expect(row(page, "r-late").locator(".bad-text")).to_have_text("1 min 39 s late")
    row(page, "r-late").click()
    details = page.get_by_test_id("run-details")
    expect(details).to_contain_text("1 min 40 s 1 min 39 s late")
    expect(page.get_by_test_id("log")).to_contain_text("finished, 1 min 39 s late")


def test_run_under_way_says_that_it_is_late_already(page: Page, site: Site) -> None:
    site.view = make.view(runs=(late(state=RunState.RUNNING, ended_us=None),))
    open_page(page, site)
    expect(row(page, "r-late")).to_contain_text("late so far")


def test_dropped_run_is_neither_early_nor_failed(page: Page, site: Site) -> None:
    site.view = make.view(runs=(dropped(),))
    open_page(page, site)
    expect(row(page, "r-dropped").locator(".chip")).to_have_text("dropped")
    expect(row(page, "r-dropped")).to_contain_text("deadline 300 ms: missed")
    expect(row(page, "r-dropped")).not_to_contain_text("early")
    expect(row(page, "r-dropped")).not_to_contain_text("%")


def test_list_tells_due_dates_beside_deadlines(page: Page, site: Site) -> None:
    limits: dict[str, Any] = {"due_us": NOW_US - 99_600 * MS, "deadline_us": NOW_US + S}
    site.view = make.view(runs=(late(**limits),))
    open_page(page, site)
    expect(row(page, "r-late")).to_contain_text("due 400 ms: late")
    expect(row(page, "r-late")).to_contain_text("deadline 1 min 41 s: met")


def test_dropped_failed_and_missed_agree_wherever_they_stand(page: Page, site: Site) -> None:
    """Two dropped, one failed by itself, one finished after its deadline: three missed."""
    beyond = late("r-beyond", deadline_us=NOW_US - S)
    failed = late("r-failed", state=RunState.FAILED, reason="error")
    counters = {"runs_finished": 1, "runs_failed": 3, "runs_dropped": 2, "runs_missed": 3}
    ended = (beyond, failed, dropped("r-d1"), dropped("r-d2"))
    site.view = make.view(runs=ended, counters=counters)
    site.workloads = [make.workload()]
    open_page(page, site)
    figures = page.get_by_test_id("figure-runs")
    for words in ("finished 1", "failed 1", "dropped 2"):
        expect(figures).to_contain_text(words)
    deadlines = page.get_by_test_id("figure-deadlines")
    for words in ("3 missed", "dropped 2", "late 1"):
        expect(deadlines).to_contain_text(words)
    listed = page.get_by_test_id("runs").locator("tbody tr")
    for name, count in (("Failed", 1), ("Dropped", 2), ("Missed", 3)):
        page.get_by_role("button", name=name, exact=True).click()
        expect(listed).to_have_count(count)
    page.goto(f"{site.url}#page=workloads")
    cells = page.get_by_test_id("workloads").locator("tbody td.num")
    expect(cells).to_have_text(["4", "0", "1", "1", "2", "3", "1 min 40 s", "1 min 40 s"])
