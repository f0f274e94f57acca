"""The panel of accuracy: a dot per execution, a line over time, a mark per change for good."""

import pytest
from playwright.sync_api import Page, expect

from scheduler.control.records.costs import Learning, PredictedActual, Training
from scheduler.control.state.figures.accuracy import Accuracy
from scheduler.model.ports import Drift
from tests.browser import sites as make
from tests.browser.replay import Site
from tests.browser.test_appearance import TOO_WIDE

pytestmark = pytest.mark.browser


def pair(actual_us: int, seconds: int) -> PredictedActual:
    return PredictedActual(
        at_us=make.NOW_US + seconds * 1_000_000,
        operation="r-one/det",
        work="det",
        machine="a/cpu0",
        provider="cpu",
        provenance="measured",
        p50_us=10_000,
        p95_us=12_000,
        actual_us=actual_us,
    )


def test_accuracy_shows_executions_shares_and_changes(page: Page, site: Site) -> None:
    accuracy = Accuracy()
    for i, actual_us in enumerate((10_000, 10_500, 30_000)):
        accuracy.add(pair(actual_us, 20 * i))
    at_us = make.NOW_US + 30_000_000
    drift = Drift(at_us=at_us, work="det", machine="a/cpu0", provider="cpu", factor=1.4)
    site.accuracy = accuracy.report(at_us, (drift,))
    page.goto(site.url)
    scatter = page.get_by_test_id("accuracy-scatter")
    expect(scatter.locator(".dot")).to_have_count(3)
    expect(scatter.locator(".dot.late")).to_have_count(1)
    row = page.get_by_test_id("accuracy").locator("tbody tr")
    expect(row).to_contain_text("67 %")
    expect(page.get_by_test_id("accuracy-time").locator(".drift")).to_have_count(1)
    expect(page.get_by_test_id("drifts")).to_contain_text("x1.40")
    for width in (1280, 1000, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(TOO_WIDE) == []


def test_accuracy_of_nothing_says_so(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(page.locator("#accuracy")).to_contain_text("No prediction has been put to the test")


def test_learning_says_which_model_is_in_force_and_what_the_last_training_decided(
    page: Page, site: Site
) -> None:
    kept = Training(
        at_us=site.view.at_us - 240_000_000,
        took_s=3.0,
        why="214 new measurements",
        rows=640,
        families=9,
        champion_loss=0.104,
        challenger_loss=0.131,
    )
    site.artifact = {"digest": "c0ffee" * 4}
    site.learning = Learning(
        state="waiting", detail="188 more measurements are needed", trainings=(kept,)
    )
    page.goto(site.url)
    line = page.get_by_test_id("learning")
    expect(line).to_contain_text("Learned model c0ffeec0ffee is in force.")
    expect(line).to_contain_text("Last training 4 min ago, on 640 measurements")
    expect(line).to_contain_text("the old model stayed (0.131 against 0.104)")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(TOO_WIDE) == []


def test_learning_without_a_training_says_what_predictions_come_from(
    page: Page, site: Site
) -> None:
    page.goto(site.url)
    expect(page.get_by_test_id("learning")).to_contain_text("No learned model is in force")
