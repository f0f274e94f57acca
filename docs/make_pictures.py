"""Take the README's pictures of the dashboard of a service that is up.

Start one (``KEEP=1 make demo`` prints its address), keep it busy, then:
``.venv/bin/python docs/make_pictures.py http://127.0.0.1:8080``
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parent / "images"
CHROMIUM = "/usr/bin/chromium"
SIZE = (1280, 860)
SHARPNESS = 1.25
SETTLE_MS = 1500
TYPICAL = """() => [...document.querySelectorAll('.bar:not(.profile) .actual')]
  .sort((a, b) => a.width.baseVal.value - b.width.baseVal.value)
  .at(-Math.ceil(document.querySelectorAll('.bar:not(.profile) .actual').length / 10))
  .closest('.bar').dataset.operation"""


def take(browser: Browser, url: str, scheme: str, target: Path) -> None:
    """Take one picture, with one of the longer operations explained."""
    page = browser.new_page(
        viewport={"width": SIZE[0], "height": SIZE[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=SHARPNESS,
    )
    page.goto(url)
    page.wait_for_selector(".bar .actual")
    page.goto(f"{url}#operation={page.evaluate(TYPICAL)}")
    page.wait_for_selector("[data-testid=why]")
    page.wait_for_timeout(SETTLE_MS)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=target)
    page.close()


def main(url: str) -> None:
    """Write ``images/dashboard.png`` and its dark twin."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        take(browser, url, "light", IMAGES / "dashboard.png")
        take(browser, url, "dark", IMAGES / "dashboard-dark.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/")
