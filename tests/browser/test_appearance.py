"""The looks of the dashboard: widths, themes, contrast, motion."""

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from scheduler.model.problem import Band
from tests.browser import sites as make
from tests.browser.looking import bar, open_page
from tests.browser.replay import Site

pytestmark = pytest.mark.browser

# The page itself, and every box with content that is cut off or must be scrolled sideways.
TOO_WIDE = """() => ["html", ".panel", ".figure", ".scroll", ".top"]
  .concat(".aside", ".aside-body").flatMap((kind) => [...document.querySelectorAll(kind)])
  .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.id || box.className)"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_sideways(
    page: Page, site: Site, width: int, scheme: Literal["light", "dark"]
) -> None:
    operation = make.operation("a-stage-with-quite-a-long-name", -400, -300, actual_ms=(-400, -290))
    runs = tuple(make.run(f"r-{n}", band=Band(n % 4), reason="no_machine") for n in range(8))
    site.view = make.view(operation, runs=runs)
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    open_page(page, site)
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    bar(page, operation.operation).locator(".actual").click()
    expect(page.get_by_test_id("why")).to_be_visible()
    assert page.evaluate(TOO_WIDE) == []
    page.get_by_test_id("close-details").click()
    page.get_by_role("button", name="Show a table").click()
    assert page.evaluate(TOO_WIDE) == []


def test_theme_button_overrules_the_system_and_is_remembered(page: Page, site: Site) -> None:
    page.emulate_media(color_scheme="light")
    open_page(page, site)
    for theme in ("light", "dark"):
        page.get_by_test_id("theme").click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(
    page: Page, site: Site, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    open_page(page, site)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 20
    assert {pair: ratio for pair, ratio in contrasts.items() if ratio < 4.5} == {}


# Ratios of relative luminance (WCAG 2.2) for each pair of colours that text uses.
CONTRASTS = """() => {
  const style = getComputedStyle(document.documentElement);
  const light = (name) => {
    const hex = style.getPropertyValue("--" + name).trim().slice(1);
    const parts = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const pairs = [];
  for (const ink of ["ink", "ink-soft", "accent", "good", "warn", "bad"])
    for (const face of ["surface", "sunken", "page"]) pairs.push([ink, face]);
  const hues = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => "hue-" + number);
  for (const band of ["critical", "high", "normal", "background", "profile", ...hues])
    pairs.push(["on-" + band, band]);
  pairs.push(["bad", "bad-wash"], ["accent", "accent-wash"], ["ink-soft", "accent-wash"]);
  return Object.fromEntries(pairs.map(([ink, face]) => {
    const [low, high] = [light(ink), light(face)].sort((a, b) => a - b);
    return [ink + " on " + face, (high + 0.05) / (low + 0.05)];
  }));
}"""


def test_page_without_motion_animates_nothing(page: Page, site: Site) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_page(page, site)
    assert page.evaluate("getComputedStyle(document.querySelector('.dot')).animationName") == "none"
