"""Pages of workloads and models, and graphs of stages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from scheduler.control.records import OperationState, RunState
from tests.browser import sites as make
from tests.browser.looking import open_page, row
from tests.browser.replay import Site
from tests.browser.test_appearance import TOO_WIDE

pytestmark = pytest.mark.browser


@pytest.fixture
def known(site: Site) -> Site:
    """A site with a workload, its model, and a run that is half done."""
    stages = ("decode", "detect", "orient", "text")
    states = (OperationState.DONE, OperationState.RUNNING, OperationState.DONE)
    before = {"detect": ("r-one/decode",), "orient": ("r-one/decode",)}
    operations = tuple(
        make.operation(
            stage,
            100 * n - 400,
            100 * n - 320,
            actual_ms=(100 * n - 400, None if state is OperationState.RUNNING else 100 * n - 300),
            state=state,
            order=n,
            waits_for=before.get(stage, ()),
        )
        for n, (stage, state) in enumerate(zip(stages, states, strict=False))
    )
    last = make.operation("text", 0, 50, order=3, waits_for=("r-one/detect", "r-one/orient"))
    other = make.run("r-other", workload="page@2", state=RunState.FINISHED, ended_us=make.NOW_US)
    site.view = make.view(*operations, last, runs=(make.run(), other))
    site.records["r-one"] = replace(make.run(), operations=(*operations, last))
    site.workloads = [make.workload(), make.workload("page")]
    site.models = [make.model()]
    return site


def test_run_shows_its_stages_as_a_graph_with_states_and_times(page: Page, known: Site) -> None:
    open_page(page, known)
    row(page).click()
    nodes = page.get_by_test_id("dag-node")
    expect(nodes).to_have_count(4)
    expect(page.locator(".dag-edge")).to_have_count(4)
    detect = page.locator('[data-stage="detect"]')
    expect(detect).to_have_attribute("data-state", "running")
    expect(page.locator('[data-stage="decode"]')).to_contain_text("done · 100 ms")
    detect.click()
    expect(page.get_by_test_id("details")).to_contain_text("Why here: detect")


def test_workload_has_a_page_with_its_graph_its_figures_and_its_runs(
    page: Page, known: Site
) -> None:
    page.goto(f"{known.url}#page=workloads")
    page.get_by_role("link", name="ocr@1").click()
    expect(page.get_by_test_id("workload-page")).to_contain_text("image: uint8 [-1]")
    expect(page.get_by_test_id("dag-node")).to_have_count(4)
    expect(page.locator('#page-other [data-stage="decode"]')).to_contain_text("100 ms")
    listed = page.locator("#page-other tr[data-run]")
    expect(listed).to_have_count(1)
    listed.click()
    expect(page.get_by_test_id("details")).to_contain_text("Run r-one")
    page.go_back()
    expect(page.get_by_test_id("workloads")).to_be_visible()


def test_model_has_a_page_with_its_tensors_and_the_workloads_that_use_it(
    page: Page, known: Site
) -> None:
    page.goto(f"{known.url}#page=workload&of=ocr@1")
    page.locator('[data-stage="detect"]').click()
    model = page.get_by_test_id("model-page")
    for words in ("Model det", "float32 [1, 3]", "ocr@1, page@1", "4.00 MiB"):
        expect(model).to_contain_text(words)


def test_model_shows_its_partitions_as_strips_as_wide_as_their_times(
    page: Page, known: Site
) -> None:
    page.goto(f"{known.url}#page=model&of=det")
    strip = page.get_by_test_id("pieces")
    expect(strip).to_contain_text("p-0 equal bit by bit on 3 inputs; 4.00 ms in a row")
    pieces = strip.get_by_role("listitem")
    expect(pieces).to_have_text(["1 · 3.00 msgives 1.00 KiB", "2 · 1.00 msthe last"])
    first, last = (pieces.nth(place).bounding_box() for place in (0, 1))
    assert first is not None
    assert last is not None
    assert first["width"] > 2 * last["width"]


def test_stages_that_lead_to_a_model_are_buttons_and_the_others_are_none(
    page: Page, known: Site
) -> None:
    page.goto(f"{known.url}#page=workload&of=ocr@1")
    stages = page.get_by_test_id("dag-node")
    expect(stages.and_(page.get_by_role("button"))).to_have_count(2)
    expect(stages.and_(page.get_by_role("img"))).to_have_count(2)
    page.locator('[data-stage="detect"]').press("Space")
    expect(page.get_by_test_id("model-page")).to_contain_text("Model det")


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_in_any_width(page: Page, known: Site, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for name in ("workloads", "workload&of=ocr@1", "models", "model&of=det"):
        page.goto(f"{known.url}#page={name}")
        expect(page.locator("#page-other .panel").first).to_be_visible()
        assert page.evaluate(TOO_WIDE) == []


def test_page_of_what_is_not_there_says_so(page: Page, known: Site) -> None:
    page.goto(f"{known.url}#page=workload&of=nothing@1")
    expect(page.get_by_test_id("workload-page")).to_contain_text("There is no such workload.")
    page.goto(f"{known.url}#page=model&of=nothing")
    expect(page.get_by_test_id("model-page")).to_contain_text("There is no such model.")
