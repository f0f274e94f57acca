"""The chart: tall rows, colours and scale that are remembered, the bars of a run together."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from scheduler.control.records import OperationState
from scheduler.model.problem import Band
from tests.browser import sites as make
from tests.browser.looking import bar, open_page
from tests.browser.replay import Site

pytestmark = pytest.mark.browser

HEIGHTS = "() => [...document.querySelectorAll('.row-face')].map((row) => row.getBBox().height)"
LIT = re.compile(r"\blit\b")


def two_runs(site: Site) -> None:
    """Two runs of two workloads, with two operations each."""
    spans = {"one": (-400, -310), "two": (-300, -210)}
    site.view = make.view(
        *(
            make.operation(
                stage, *spans[run], actual_ms=spans[run], run=f"r-{run}", machine=f"harbour/cpu{n}"
            )
            for run in spans
            for n, stage in enumerate(("a", "b"))
        ),
        runs=(make.run("r-one"), make.run("r-two", workload="page@2", band=Band.HIGH)),
    )


def test_operation_without_any_time_leaves_the_chart_to_the_others(page: Page, site: Site) -> None:
    failed = make.operation("failed", -400, -300, state=OperationState.FAILED)
    site.view = make.view(
        replace(failed, planned_start_us=None, planned_end_us=None),
        make.operation("later", -300, -200, actual_ms=(-300, -200)),
    )
    open_page(page, site)
    expect(bar(page, "r-one/later")).to_be_attached()
    assert page.evaluate(HEIGHTS)


@pytest.mark.parametrize(("machines", "least"), [(2, 40), (12, 40), (30, 24)])
def test_rows_of_few_machines_are_at_least_forty_pixels_tall(
    page: Page, site: Site, machines: int, least: int
) -> None:
    names = [make.machine(f"cpu{n}") for n in range(machines)]
    site.view = make.view(make.operation("detect", -400, -300), machines=tuple(names))
    open_page(page, site)
    expect(bar(page, "r-one/detect")).to_be_attached()
    heights = page.evaluate(HEIGHTS)
    assert len(heights) == machines
    assert min(heights) >= least


def test_colours_tell_priority_workload_or_run_and_the_choice_is_remembered(
    page: Page, site: Site
) -> None:
    two_runs(site)
    open_page(page, site)
    expect(bar(page, "r-one/a")).to_have_class(re.compile("normal"))
    page.get_by_label("Colours of the bars").select_option("workload")
    expect(page.locator("#legend")).to_contain_text("page@2")
    one, two = (bar(page, f"r-{run}/a").get_attribute("class") for run in ("one", "two"))
    assert one is not None
    assert one != two
    page.reload()
    expect(bar(page, "r-one/a")).to_have_class(re.compile("hue-"))
    expect(page.get_by_label("Colours of the bars")).to_have_value("workload")
    page.get_by_label("Colours of the bars").select_option("run")
    expect(page.locator("#legend")).to_contain_text("each run")


def test_other_bars_of_a_run_light_up_under_the_pointer_and_with_the_focus(
    page: Page, site: Site
) -> None:
    two_runs(site)
    open_page(page, site)
    bar(page, "r-one/a").locator(".actual").hover()
    expect(bar(page, "r-one/b")).to_have_class(LIT)
    expect(bar(page, "r-two/b")).not_to_have_class(LIT)
    page.mouse.move(1, 1)
    expect(bar(page, "r-one/b")).not_to_have_class(LIT)
    page.get_by_test_id("gantt").focus()
    page.keyboard.press("ArrowRight")
    expect(bar(page, "r-one/b")).to_have_class(LIT)


def test_scale_is_in_clock_time_or_from_the_present_and_the_choice_is_remembered(
    page: Page, site: Site
) -> None:
    two_runs(site)
    open_page(page, site)
    ticks = page.locator(".layer-ticks text")
    expect(ticks.first).to_contain_text(re.compile(r"^.?\d+(\.\d)? m?s$"))
    page.get_by_label("Scale of time").select_option("clock")
    expect(ticks.first).to_contain_text(re.compile(r"^\d\d:\d\d:\d\d"))
    page.reload()
    expect(ticks.first).to_contain_text(re.compile(r"^\d\d:\d\d:\d\d"))


def test_chart_stands_still_on_another_page_and_is_drawn_anew_when_it_is_back(
    page: Page, site: Site
) -> None:
    two_runs(site)
    open_page(page, site)
    expect(bar(page, "r-one/a")).to_be_attached()
    page.get_by_role("link", name="Models").click()
    expect(bar(page, "r-one/a")).to_be_hidden()
    later = make.operation("late", -100, -50, actual_ms=(-100, -40))
    site.show(make.view(later, at_us=make.NOW_US + make.MS, placement="peft"))
    expect(page.get_by_test_id("policy")).to_contain_text("peft")
    expect(bar(page, "r-one/late")).to_have_count(0)
    page.get_by_role("link", name="Site").click()
    expect(bar(page, "r-one/late")).to_be_attached()
