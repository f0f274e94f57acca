"""The operators of a run's stage, longest first, with units, or the command that measures them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from api.http.answers import OperatorAnswer, ProfileAnswer, RunOperators
from scheduler.control.records import RunState
from scheduler.model.messages import Profile, Verdict
from tests.browser import sites as make
from tests.browser.looking import open_page
from tests.browser.replay import Site
from tests.browser.test_appearance import TOO_WIDE
from tests.browser.watched import Watched

pytestmark = pytest.mark.browser

NOTE = "measured at x=4,3, the run had x=1,3: fjord profile det --operators --shape x=1,3"
CONV = OperatorAnswer(
    name="/backbone/conv1/Conv",
    op_type="FusedConv",
    provider="CPUExecutionProvider",
    kernel_us=12_345.6,
    share=0.9,
    calls=1,
    nodes=("/backbone/conv1/Conv", "/backbone/relu1/Relu"),
    flops=1_234_567_000,
    moved_bytes=56_700,
    roofline_us=8_000.0,
)
REORDER = OperatorAnswer(
    name="ReorderOutput",
    op_type="ReorderOutput",
    provider="cpu",
    kernel_us=20.0,
    share=0.1,
    calls=1,
)


def drilled(*operators: OperatorAnswer, note: str = "") -> RunOperators:
    profile = Profile(
        digest="d" * 64,
        machine="harbour/cpu0",
        provider="cpu",
        verdict=Verdict.USABLE,
        shapes={"x": (4, 3)},
    )
    answer = ProfileAnswer(
        profile=profile,
        p50_us=12_400,
        p95_us=12_900,
        roofline_us=8_100.0,
        operators=operators,
        note=note,
    )
    return RunOperators(run="r-one", stage="detect", model="det", profiles=(answer,))


def open_stage(page: Page, site: Site) -> Locator:
    """Click a run, then its stage with a model."""
    stages = (
        make.operation("decode", -500, -400, actual_ms=(-500, -400), provider="python"),
        make.operation("detect", -400, -300, actual_ms=(-400, -290)),
    )
    run = make.run(state=RunState.FINISHED, ended_us=make.NOW_US + 10_000)
    site.view = make.view(*stages, runs=(run,))
    site.records["r-one"] = replace(run, operations=stages)
    open_page(page, site)
    page.locator('tr[data-run="r-one"]').get_by_role("button", name="r-one").click()
    part = page.get_by_test_id("operators")
    expect(part.get_by_role("button")).to_have_text(["detect"])
    part.get_by_role("button", name="detect").click()
    return part


def test_operators_come_longest_first_with_their_units_in_the_head(page: Page, site: Site) -> None:
    site.operators["detect"] = drilled(REORDER, CONV)
    part = open_stage(page, site)
    expect(part.locator("th")).to_have_text(
        [
            "Operator",
            "Kernel",
            "Time (µs)",
            "Share (%)",
            "Arithmetic (Mflop)",
            "Traffic (kB)",
            "Roofline (µs)",
        ]
    )
    rows = part.locator("tbody tr")
    numbers = ["12\u202f345.6", "90.0", "1\u202f234.57", "56.7", "8\u202f000.0"]
    expect(rows.nth(0).locator("td.num")).to_have_text(numbers)
    expect(rows.nth(0)).to_contain_text("does 2 nodes: /backbone/conv1/Conv, /backbone/relu1/Relu")
    expect(rows.nth(1).locator("td.num")).to_have_text(["20.0", "10.0", *["\u2013"] * 3])
    expect(rows.nth(0).locator("td.num").first).to_have_css("text-align", "end")


def test_operators_are_closed_by_a_second_click(page: Page, site: Site) -> None:
    site.operators["detect"] = drilled(CONV)
    part = open_stage(page, site)
    expect(part.locator("table")).to_have_count(1)
    part.get_by_role("button", name="detect").click()
    expect(part.locator("table")).to_have_count(0)


def test_operators_at_other_shapes_say_what_to_type(page: Page, site: Site) -> None:
    site.operators["detect"] = drilled(CONV, note=NOTE)
    part = open_stage(page, site)
    expect(part).to_contain_text("measured at x=4,3, the run had x=1,3:")
    expect(part.locator("code")).to_have_text("fjord profile det --operators --shape x=1,3")


def test_operators_that_were_not_measured_say_what_to_type(
    page: Page, watched: Watched, site: Site
) -> None:
    part = open_stage(page, site)
    expect(part).to_contain_text("Nothing to show of detect.")
    expect(part.locator("code")).to_have_text("fjord profile detect --operators")
    watched.forgive("404")


@pytest.mark.parametrize("width", [1280, 390])
def test_operators_fit_the_width(page: Page, site: Site, width: int) -> None:
    site.operators["detect"] = drilled(CONV, REORDER, note=NOTE)
    page.set_viewport_size({"width": width, "height": 844})
    part = open_stage(page, site)
    expect(part.locator("tbody tr")).to_have_count(2)
    assert page.evaluate(TOO_WIDE) == []
