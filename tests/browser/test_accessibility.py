"""Names, order, keyboard and contrast hold on every page, and with the details open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from scheduler.control.records import RunState
from scheduler.model.messages import ProviderReport, Verdict
from tests.browser import sites as make
from tests.browser.looking import open_page, row
from tests.browser.replay import Site

pytestmark = pytest.mark.browser

FAULTS = (Path(__file__).parent / "faults.js").read_text()


@pytest.fixture
def full(site: Site) -> Site:
    """A site with something of everything that a page can show."""
    done = make.operation("detect", -400, -300, actual_ms=(-400, -290))
    failed = make.operation(
        "read",
        -280,
        -200,
        failures=(make.failure("harbour/cpu1", -250),),
        waits_for=("r-one/detect",),
    )
    late: dict[str, Any] = {
        "predicted_p50_us": make.NOW_US - 150 * make.MS,
        "predicted_p95_us": make.NOW_US - 140 * make.MS,
    }
    ended: dict[str, Any] = {"ended_us": make.NOW_US - 20 * make.MS}
    first = make.run(state=RunState.FINISHED, due_us=make.NOW_US - 50 * make.MS, **late, **ended)
    dropped = make.run(
        "r-two", state=RunState.FAILED, reason="deadline", deadline_us=ended["ended_us"], **ended
    )
    absent = ProviderReport(
        provider="openvino", device_class="cpu", verdict=Verdict.NO_DEVICE, reason="none is found"
    )
    machines = (make.machine("cpu0", providers=(absent,)), make.machine("cpu1", state="down"))
    site.view = make.view(
        done, failed, runs=(first, dropped, make.run("r-three")), machines=machines
    )
    site.records["r-one"] = replace(first, operations=(done, failed))
    site.workloads = [make.workload()]
    site.models = [make.model()]
    return site


PLACES = (
    "",
    "#run=r-one",
    "#operation=r-one%2Fdetect",
    "#page=workloads",
    "#page=workload&of=ocr@1",
    "#page=models",
    "#page=model&of=det",
)


def _opened(page: Page) -> Iterator[str]:
    """Open one place after the other."""
    for place in PLACES:
        page.evaluate("(place) => { location.hash = place; }", place)
        shown = "#details .panel-head" if "r-one" in place else "main .panel-head"
        expect(page.locator(shown).locator("visible=true").first).to_be_visible()
        yield place


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_has_names_order_and_contrast(
    page: Page, full: Site, scheme: Literal["light", "dark"], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    open_page(page, full)
    found = {place: page.evaluate(FAULTS) for place in _opened(page)}
    assert {place: faults for place, faults in found.items() if faults} == {}


AXE = find_spec("axe_playwright_python")
"""The package is there for its script: its own way of running it gives no reason."""
AXE_RULES = """async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const found = await axe.run(document, { runOnly: tags });
    return found.violations.map((each) => [each.id, each.nodes.map((node) => node.html)]);
}"""


@pytest.mark.skipif(AXE is None, reason="axe-playwright-python is not installed: make setup")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(
    page: Page, full: Site, scheme: Literal["light", "dark"], width: int
) -> None:
    assert AXE is not None
    assert AXE.origin is not None
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    open_page(page, full)
    page.evaluate(Path(AXE.origin).with_name("axe.min.js").read_text())
    found = {place: page.evaluate(AXE_RULES) for place in _opened(page)}
    assert {place: faults for place, faults in found.items() if faults} == {}


def test_keyboard_alone_opens_a_run_and_comes_back_to_it(page: Page, full: Site) -> None:
    open_page(page, full)
    button = row(page, "r-one").get_by_role("button", name="r-one", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("details")).to_be_focused()
    expect(page.get_by_test_id("details")).to_contain_text("Run r-one")
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_page_is_light_to_load(page: Page, full: Site) -> None:
    open_page(page, full)
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').filter(({ initiatorType }) => "
        "['script', 'link', 'other'].includes(initiatorType)).map((each) => each.decodedBodySize)"
    )
    assert sum(sizes) < 300_000
    assert len(sizes) < 70
    assert page.evaluate("document.querySelectorAll('*').length") < 1500
