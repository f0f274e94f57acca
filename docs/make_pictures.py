"""Make the pictures of the dashboard anew: ``.venv/bin/python docs/make_pictures.py``.

It starts the demonstration's service on this box, keeps it busy, and takes the README's two
pictures meanwhile; then those of single panels, once the operators of a run are measured.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from api.tools.demo.images import render, sample_lines
from api.tools.demo.prepare import prepare
from api.tools.demo.service import running_service
from fjord import Client, Run

IMAGES = Path(__file__).parent / "images"
CHROMIUM = "/usr/bin/chromium"
SIZE = (1280, 860)
SHARPNESS = 1.25
SETTLE_MS = 1500
BUSY_S = 15.0
BANDS = ("critical", "high", "normal", "background")
AT_ONCE = 3
DEADLINE_MS = 3000.0
STAGE = "detect"
MODEL = "text-detection"
TYPICAL = """() => [...document.querySelectorAll('.bar:not(.profile) .actual')]
  .sort((a, b) => a.width.baseVal.value - b.width.baseVal.value)
  .at(-Math.ceil(document.querySelectorAll('.bar:not(.profile) .actual').length / 10))
  .closest('.bar').dataset.operation"""


@contextmanager
def busy(url: str, workload: str) -> Iterator[list[Run]]:
    """Keep runs of all bands going until the block ends; gives those that finished."""
    pages = [render(lines, seed=seed) for seed, lines in enumerate(sample_lines(AT_ONCE))]
    finished: list[Run] = []
    is_over = threading.Event()

    def submit() -> None:
        bands = cycle(BANDS)
        with Client(url) as client:
            while not is_over.is_set():
                runs = [
                    client.submit(
                        workload, {"image": page}, priority=next(bands), deadline_ms=DEADLINE_MS
                    )
                    for page in pages
                ]
                ended = [client.wait(run, timeout_s=60.0) for run in runs]
                finished.extend(run for run in ended if run.state == "finished")

    thread = threading.Thread(target=submit)
    thread.start()
    try:
        yield finished
    finally:
        is_over.set()
        thread.join()


def opened(browser: Browser, url: str, scheme: str = "light") -> Page:
    """A page of the dashboard with bars in its chart."""
    page = browser.new_page(
        viewport={"width": SIZE[0], "height": SIZE[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=SHARPNESS,
    )
    page.goto(url)
    page.wait_for_selector(".bar .actual")
    return page


def take_whole(browser: Browser, url: str, scheme: str, target: Path) -> None:
    """Take the top of the page, with one of the longer operations explained."""
    page = opened(browser, url, scheme)
    page.goto(f"{url}#operation={page.evaluate(TYPICAL)}")
    page.wait_for_selector("[data-testid=why]")
    page.wait_for_timeout(SETTLE_MS)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=target)
    page.close()


def take_accuracy(browser: Browser, url: str, target: Path) -> None:
    """Take the panel of the accuracy of predictions."""
    page = opened(browser, url)
    page.wait_for_selector("[data-testid=accuracy]")
    page.locator(".panel", has=page.locator("#accuracy")).screenshot(path=target)
    page.close()


def take_operators(browser: Browser, url: str, run: Run, target: Path) -> None:
    """Take the operators of a stage of a run."""
    page = opened(browser, url)
    page.goto(f"{url}#run={run.id}")
    part = page.get_by_test_id("operators")
    part.get_by_role("button", name=STAGE).click()
    part.locator("tbody tr").first.wait_for()
    part.screenshot(path=target)
    page.close()


def measure_operators(client: Client, run: Run) -> None:
    """Have the operators measured where the stage ran, at the shapes that it had."""
    record = client.run(run).record
    operation = next(op for op in record["operations"] if op["stage"] == STAGE)
    asked = client.profile(
        MODEL, machines=[operation["machine"]], shapes=operation["shapes"], operators=True
    )
    client.wait(asked, timeout_s=120.0)


def main() -> None:
    """Write all pictures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(Path(folder)) as service,
        Client(service.url) as client,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        workload = prepare(client)
        with busy(service.url, workload["name"]) as finished:
            time.sleep(BUSY_S)
            take_whole(browser, service.url, "light", IMAGES / "dashboard.png")
            take_whole(browser, service.url, "dark", IMAGES / "dashboard-dark.png")
        take_accuracy(browser, service.url, IMAGES / "accuracy.png")
        measure_operators(client, finished[-1])
        take_operators(browser, service.url, finished[-1], IMAGES / "operators.png")
        browser.close()


if __name__ == "__main__":
    main()
