"""The dashboard that the real service serves: a run is submitted, and its bars appear."""

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from api.tools.demo.service import Service
from fjord import Client

pytestmark = pytest.mark.browser

SHRINK = {
    "name": "browser-shrink",
    "inputs": {"image": {"dtype": "uint8", "shape": [-1]}},
    "stages": [
        {"name": "decode", "function": "decode_image", "inputs": {"data": "image"}},
        {
            "name": "shrink",
            "function": "resize_normalise",
            "inputs": {"image": "decode.image"},
            "params": {"fit": "stretch", "height": 32, "width": 32},
        },
    ],
    "outputs": {"tensor": "shrink.tensor"},
}


@pytest.fixture
def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 480), "white").save(file, "png")
    return file.getvalue()


@pytest.fixture
def workload(client: Client) -> str:
    return str(client.create_workload(SHRINK)["name"])


def test_submitted_run_appears_as_bars_and_says_why(
    page: Page, service: Service, client: Client, workload: str, picture: bytes
) -> None:
    page.goto(service.url)
    expect(page.get_by_test_id("live")).to_have_attribute("data-status", "live")
    expect(page.get_by_test_id("machine").first).to_be_visible()
    run = client.submit(workload, {"image": picture})
    for stage in ("decode", "shrink"):
        bar = page.locator(f'[data-testid="bar"][data-operation="{run.id}/{stage}"]')
        expect(bar).to_have_attribute("data-state", "done", timeout=20_000)
    expect(page.locator(f'tr[data-run="{run.id}"]')).to_have_attribute("data-state", "finished")
    page.locator(f'[data-operation="{run.id}/shrink"] .actual').click()
    expect(page.get_by_test_id("why-sentence")).to_contain_text("Placed on")
    expect(page.locator('[data-testid="candidates"] [data-reason="chosen"]')).to_have_count(1)
