"""The dashboard in a real browser shows the reader the data of the service."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from scheduler.control.records import OperationState, Reason, RunState
from scheduler.model.messages import Profile, ProviderReport, Verdict
from tests.browser import sites as make
from tests.browser.looking import bar, open_page
from tests.browser.replay import Site
from tests.browser.watched import Watched

pytestmark = pytest.mark.browser


def test_bars_appear_and_change_as_the_site_does(page: Page, site: Site) -> None:
    open_page(page, site)
    expect(page.get_by_text("The machines are idle.")).to_be_visible()
    site.show(make.view(make.operation("detect", 0, 80)))
    expect(bar(page, "r-one/detect")).to_have_attribute("data-state", "waiting")
    running = make.operation("detect", -50, 30, actual_ms=(-40, None), state=OperationState.RUNNING)
    site.show(make.view(running))
    expect(bar(page, "r-one/detect")).to_have_attribute("data-state", "running")
    expect(bar(page, "r-one/detect").locator(".actual")).to_have_count(1)
    site.show(make.view(make.operation("detect", -50, 30, actual_ms=(-40, 20))))
    expect(bar(page, "r-one/detect")).to_have_attribute("data-state", "done")


# Both in one look: the chart may move between two.
SPANS = """(bar) => [".plan", ".actual"].map((part) => bar.querySelector(part).getBBox())
  .map(({x, width}) => ({x, width}))"""


def test_bar_shows_plan_reality_transfer_lateness_and_failed_attempts(
    page: Page, site: Site
) -> None:
    done = make.operation("a", -900, -700, actual_ms=(-800, -600), transfer_us=60_000)
    failure = make.failure("harbour/cpu1", -500)
    expected = make.operation("b", 0, 90, state=OperationState.EXPECTED, failures=(failure,))
    site.view = make.view(done, expected)
    open_page(page, site)
    for part in ("plan", "actual", "transfer", "wait"):
        expect(bar(page, "r-one/a").locator(f".{part}")).to_have_count(1)
    planned, actual = bar(page, "r-one/a").evaluate(SPANS)
    assert actual["x"] > planned["x"]
    assert actual["width"] == pytest.approx(planned["width"], abs=1)
    expect(bar(page, "r-one/b")).to_have_class("bar normal state-expected")
    expect(page.get_by_test_id("failed-attempt")).to_have_count(1)


def test_click_on_a_bar_says_why_it_is_there(page: Page, site: Site) -> None:
    failure = make.failure("harbour/cpu1", -500)
    site.view = make.view(
        make.operation("detect", -400, -100, actual_ms=(-390, -95), failures=(failure,))
    )
    open_page(page, site)
    expect(page.get_by_test_id("details")).to_be_hidden()
    bar(page, "r-one/detect").locator(".actual").click()
    sentence = page.get_by_test_id("why-sentence")
    expect(sentence).to_contain_text("finishes first: 12.0 ms before harbour/cpu1 with cpu")
    rows = page.get_by_test_id("candidates").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("chosen")
    expect(rows.nth(1)).to_contain_text("+12.0 ms")
    expect(rows.nth(1)).to_contain_text("would finish later")
    expect(rows.nth(2)).to_contain_text("the model has not been measured there yet")
    expect(page.get_by_test_id("failures")).to_contain_text("the worker process crashed")


def test_operation_that_was_moved_says_so(page: Page, site: Site) -> None:
    moved = make.operation("detect", -400, -100, actual_ms=(-390, -95), machine="harbour/cpu1")
    elsewhere = make.candidates("harbour/cpu0", -100)
    site.view = make.view(replace(moved, candidates=elsewhere))
    open_page(page, site)
    bar(page, "r-one/detect").locator(".actual").click()
    expect(page.get_by_test_id("why-sentence")).to_contain_text("moved it to harbour/cpu1")


def test_utilisation_counts_busy_time_of_known_time(page: Page, site: Site) -> None:
    busy = make.operation("detect", -30_000, 0, actual_ms=(-30_000, 0))
    site.view = make.view(busy)
    open_page(page, site)
    expect(page.get_by_test_id("figure-utilisation")).to_contain_text("last 60 s25 %")


def test_utilisation_of_a_full_view_is_about_the_time_it_covers(page: Page, site: Site) -> None:
    steps = [
        make.operation(f"s{n}", -10 * n - 10, -10 * n, actual_ms=(-10 * n - 10, -10 * n))
        for n in range(600)
    ]
    site.view = make.view(*steps)
    open_page(page, site)
    expect(page.get_by_test_id("figure-utilisation")).to_contain_text(
        re.compile(r"last [6-9] s")  # it grows while the test looks
    )


def test_why_reads_the_run_when_the_view_leaves_candidates_out(page: Page, site: Site) -> None:
    whole = make.operation("detect", -400, -100, actual_ms=(-390, -95))
    site.view = make.view(make.without_candidates(whole))
    site.records["r-one"] = make.run(operations=(whole,))
    open_page(page, site)
    bar(page, "r-one/detect").locator(".actual").click()
    expect(page.get_by_test_id("candidates").locator("tbody tr")).to_have_count(3)


def test_keyboard_alone_reaches_a_bar_and_its_explanation(page: Page, site: Site) -> None:
    site.view = make.view(
        make.operation("a", -400, -300, actual_ms=(-400, -300)),
        make.operation("b", -200, -100, actual_ms=(-200, -100), machine="harbour/cpu1"),
    )
    open_page(page, site)
    expect(bar(page, "r-one/b")).to_be_visible()
    page.get_by_test_id("gantt").focus()
    page.keyboard.press("ArrowRight")
    expect(bar(page, "r-one/a")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(bar(page, "r-one/b")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("details")).to_contain_text("Why here: b")


def test_table_lists_the_operations_of_the_chart(page: Page, site: Site) -> None:
    site.view = make.view(make.operation("detect", -400, -300, actual_ms=(-400, -290)))
    open_page(page, site)
    page.get_by_role("button", name="Show a table").click()
    row = page.get_by_test_id("operation-table").locator('tr[data-operation="r-one/detect"]')
    expect(row).to_contain_text("110 ms+10 %")
    row.get_by_role("button", name="detect").click()
    expect(page.get_by_test_id("why")).to_be_visible()


def test_figures_compare_plan_reality_and_bound(page: Page, site: Site) -> None:
    figures = {"planned_makespan_us": 400_000, "actual_makespan_us": 430_000, "bound_us": 380_000}
    late = make.run("r-late", deadline_us=make.NOW_US + 1, estimated_p95_us=make.NOW_US + 10**7)
    site.view = make.view(runs=(late,), counters={"runs_finished": 41}, **figures)
    open_page(page, site)
    makespan = page.get_by_test_id("figure-makespan")
    for words in ("400 ms planned", "430 ms actual", "bound 380 ms", "gap 5.0 %"):
        expect(makespan).to_contain_text(words)
    expect(page.get_by_test_id("figure-runs")).to_contain_text("finished 41")


def test_run_says_why_it_waits_and_can_be_cancelled(page: Page, site: Site) -> None:
    queued = make.run(state=RunState.QUEUED, reason=Reason.NO_MACHINE.value, started_us=None)
    site.view = make.view(runs=(queued,))
    site.records["r-one"] = queued
    open_page(page, site)
    row = page.locator('tr[data-run="r-one"]')
    expect(row).to_contain_text("no machine that could run it has joined")
    row.get_by_role("button", name="Cancel r-one").click()
    page.get_by_test_id("confirm-no").click()
    assert site.cancelled == []
    row.get_by_role("button", name="Cancel r-one").click()
    page.get_by_test_id("confirm-yes").click()
    expect(page.locator("#toast")).to_contain_text("is being cancelled")
    assert site.cancelled == ["r-one"]


def test_run_shows_its_operations_and_hands_out_its_trace(page: Page, site: Site) -> None:
    operation = make.operation("detect", -400, -300, actual_ms=(-400, -290))
    run = make.run(state=RunState.FINISHED, ended_us=make.NOW_US - 290_000)
    site.view = make.view(operation, runs=(run,))
    site.records["r-one"] = make.run(state=RunState.FINISHED, operations=(operation,))
    open_page(page, site)
    page.locator('tr[data-run="r-one"]').get_by_role("button", name="r-one").click()
    details = page.get_by_test_id("run-details")
    expect(details.locator("tr[data-operation]")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_test_id("link-trace").click()
    assert download.value.suggested_filename == "r-one.trace.json"


def test_runs_that_ended_before_the_page_was_opened_are_listed(page: Page, site: Site) -> None:
    site.records["r-old"] = make.run("r-old", state=RunState.FINISHED, ended_us=make.NOW_US)
    open_page(page, site)
    expect(page.locator('tr[data-run="r-old"]')).to_have_attribute("data-state", "finished")


def test_provider_that_is_not_used_is_told_once_per_box_and_not_as_an_error(
    page: Page, site: Site
) -> None:
    usable = ProviderReport(provider="cpu", device_class="cpu", verdict=Verdict.USABLE)
    absent = ProviderReport(
        provider="openvino", device_class="cpu", verdict=Verdict.NO_DEVICE, reason="none is found"
    )
    fell_back = ProviderReport(
        provider="qnn", device_class="npu", verdict=Verdict.FELL_BACK, reason="3 of 412 nodes"
    )
    names = ("cpu0", "cpu1", "qnn0")
    providers = ((usable, absent), (usable, absent), (absent, fell_back))
    site.view = make.view(
        machines=tuple(make.machine(n, providers=p) for n, p in zip(names, providers, strict=True))
    )
    open_page(page, site)
    expect(page.get_by_test_id("machine").nth(0)).to_contain_text("✓ cpu")
    notices = page.get_by_test_id("notice")
    expect(notices).to_have_text(
        [
            "openvino is not used: no such device here. none is found",
            "qnn is not used (on qnn0): fell back to another provider. 3 of 412 nodes",
        ]
    )
    expect(page.locator("#machines .bad-text")).to_have_count(0)


def test_profile_shows_what_was_measured_and_refused(page: Page, site: Site) -> None:
    wrong = Profile(
        digest="d" * 64,
        machine="harbour/webgpu0",
        provider="webgpu",
        verdict=Verdict.WRONG,
        reason="deviates by 0.31",
        samples_us=(3000, 1000, 2000),
        coverage=0.98,
        error=0.31,
    )
    site.view = make.view(profiles=(wrong,))
    site.models = [make.model()]
    page.goto(f"{site.url}#page=models")
    row = page.get_by_test_id("profiles").locator("tbody tr")
    for words in ("det", "wrong results", "deviates by 0.31", "2.00 ms", "98 %", "3.1e-1"):
        expect(row).to_contain_text(words)


def test_empty_site_teaches_how_to_start(page: Page, site: Site) -> None:
    site.view = make.view(machines=())
    open_page(page, site)
    expect(page.locator("#gantt")).to_contain_text("No machine has joined.")
    expect(page.locator("#gantt code")).to_have_text(f"fjord agent --server {site.url[:-1]}")
    expect(page.locator(".run-panel .list")).to_contain_text("fjord demo")


def test_lost_stream_is_said_and_found_again(page: Page, watched: Watched, site: Site) -> None:
    open_page(page, site)
    site.lose()
    live = page.get_by_test_id("live")
    expect(live).to_have_attribute("data-status", "stale")
    expect(live).to_contain_text("stale since")
    site.find()
    expect(live).to_have_attribute("data-status", "live")
    watched.forgive("503")


def test_service_that_wants_a_token_asks_for_it(page: Page, watched: Watched, site: Site) -> None:
    site.secret = "fj_secret"
    page.goto(site.url)
    expect(page.get_by_test_id("token")).to_be_visible()
    page.locator("#secret").fill("fj_secret")
    page.get_by_role("button", name="Use token").click()
    expect(page.get_by_test_id("live")).to_have_attribute("data-status", "live")
    expect(page.get_by_test_id("token")).to_be_hidden()
    watched.forgive("401")


def test_address_of_an_operation_opens_its_explanation(page: Page, site: Site) -> None:
    site.view = make.view(make.operation("detect", -400, -300, actual_ms=(-400, -290)))
    page.goto(f"{site.url}#operation=r-one%2Fdetect")
    expect(page.get_by_test_id("details")).to_contain_text("Why here: detect")


def test_hand_moves_the_chart_and_live_brings_it_back(page: Page, site: Site) -> None:
    site.view = make.view(make.operation("detect", -400, -300, actual_ms=(-400, -290)))
    open_page(page, site)
    live = page.get_by_role("button", name="Follow the present")
    expect(live).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Zoom in").click()
    expect(live).to_have_attribute("aria-pressed", "false")
    page.get_by_test_id("gantt").press("f")
    expect(live).to_have_attribute("aria-pressed", "true")


def test_six_hundred_bars_are_all_drawn(page: Page, site: Site) -> None:
    stages = [
        make.operation(
            f"s{n}",
            -60_000 + 100 * n,
            -59_920 + 100 * n,
            actual_ms=(-60_000 + 100 * n, -59_910 + 100 * n),
            machine=f"harbour/cpu{n % 2}",
        )
        for n in range(600)
    ]
    site.view = make.view(*stages)
    open_page(page, site)
    expect(page.get_by_test_id("bar")).to_have_count(600)
