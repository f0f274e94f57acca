"""Runs as a prompt and a notebook show them, and their way to a client."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict
from typing import Any

import pytest

from fjord import Client, Run
from fjord.client.notebook import MOST_BARS

RECORD = {"run": "r-1", "workload": "ocr@1", "submitted_us": 1, "ended_us": 5_001}


def operation(item: int, **given: Any) -> dict[str, Any]:
    start_us = 1_000 * item
    actual = {"started_us": start_us, "ended_us": start_us + 500}
    base = {"stage": "read", "item": item, "machine": "box/cpu0", "state": "done"}
    return base | actual | given


def test_a_run_is_told_in_a_line_whatever_its_record_holds() -> None:
    failed = Run("r-1", "failed", RECORD | {"reason": "error", "detail": "no such box"})
    assert repr(failed) == "<Run r-1 of ocr@1: failed error no such box>"
    assert repr(Run("r-2")) == "<Run r-2: queued>"


def test_a_notebook_draws_a_bar_for_each_operation_that_has_a_place() -> None:
    waiting = operation(2, machine="", started_us=None, ended_us=None)
    operations = [operation(0), operation(1), waiting]
    html = Run("r-1", "finished", RECORD | {"operations": operations})._repr_html_()
    assert "after 5.0 ms" in html
    assert html.count("<rect") == 2
    assert "read[1] done on box/cpu0, 0.5 ms" in html


def test_a_notebook_takes_no_markup_from_names_and_no_more_bars_than_it_bears() -> None:
    evil = "<script>alert(1)</script>"
    operations = [operation(i, machine=evil, stage=evil) for i in range(MOST_BARS + 3)]
    html = Run(evil, "failed", RECORD | {"detail": evil, "operations": operations})._repr_html_()
    assert "<script" not in html
    assert html.count("<rect") == MOST_BARS
    assert "3 more operations are not shown" in html


def test_a_run_without_operations_is_shown_without_a_chart() -> None:
    assert "<svg" not in Run("r-1")._repr_html_()


def test_a_run_of_no_client_says_whom_to_ask_and_a_copy_is_one() -> None:
    with Client() as client:
        mine = Run("r-1", "queued", {}).of_client(client.results)
        copies = [Run("r-1"), copy.deepcopy(mine), pickle.loads(pickle.dumps(mine))]
        assert all(each == mine for each in copies)
        assert asdict(mine) == {"id": "r-1", "state": "queued", "record": {}}
        for each in copies:
            with pytest.raises(LookupError, match=r"r-1 knows no client: ask client.results"):
                each.results()
