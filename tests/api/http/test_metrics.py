from __future__ import annotations

from typing import Any

from api.http.metrics import Metrics
from scheduler.control.records import MachineView, RunRecord, RunState, SiteView
from scheduler.model.messages import MachineReport
from scheduler.model.problem import Band


def _record(run: str = "r-1", **fields: Any) -> RunRecord:
    given: dict[str, Any] = {
        "run": run,
        "kind": "run",
        "workload": "ocr@3",
        "state": RunState.FINISHED,
        "band": Band.HIGH,
        "submitted_us": 1_000_000,
        "started_us": 3_000_000,
        "ended_us": 9_000_000,
    }
    return RunRecord(**(given | fields))


def _view() -> SiteView:
    report = MachineReport(
        id="a/cpu0", device="cpu", device_class="cpu", cores=(0,), memory_bytes=1, providers=()
    )
    return SiteView(
        at_us=10_000_000,
        version=1,
        placement="heft",
        plan_source="heft",
        origin_us=0,
        planned_makespan_us=4_000_000,
        actual_makespan_us=0,
        bound_us=3_000_000,
        machines=(
            MachineView(
                report=report, agent="a", box="b", state="up", busy_us=2_000_000, since_us=2_000_000
            ),
        ),
        bars=(),
        runs=(_record("r-2", state=RunState.QUEUED), _record("r-3")),
        counters={"replans": 7, "inversions_same_machine": 2, "replans_fleet": 3},
    )


def _value(text: bytes, sample: str) -> float:
    (line,) = [line for line in text.decode().splitlines() if line.startswith(f"{sample} ")]
    return float(line.split()[1])


def test_a_run_is_counted_once_however_often_it_is_told() -> None:
    metrics = Metrics()
    for _ in range(3):
        metrics.take(_record())
    text = metrics.exposition(None)[0]
    assert _value(text, 'fjord_runs_total{state="finished",workload="ocr"}') == 1
    assert _value(text, 'fjord_run_seconds_sum{workload="ocr"}') == 8
    assert _value(text, 'fjord_run_queue_seconds_sum{workload="ocr"}') == 2
    assert _value(text, 'fjord_run_compute_seconds_sum{workload="ocr"}') == 6
    assert _value(text, 'fjord_run_seconds_bucket{le="10.0",workload="ocr"}') == 1
    assert _value(text, 'fjord_run_seconds_bucket{le="7.0",workload="ocr"}') == 0


def test_only_runs_that_ended_count_and_profiles_do_not() -> None:
    metrics = Metrics()
    metrics.take(_record(state=RunState.RUNNING))
    metrics.take(_record(kind="profile"))
    assert b"fjord_runs_total{" not in metrics.exposition(None)[0]


def test_a_run_that_failed_has_no_duration_and_a_dropped_one_is_late() -> None:
    metrics = Metrics()
    metrics.take(_record(state=RunState.FAILED, reason="deadline", deadline_us=8_000_000))
    text = metrics.exposition(None)[0]
    assert _value(text, 'fjord_runs_total{state="failed",workload="ocr"}') == 1
    assert _value(text, 'fjord_runs_late_total{workload="ocr"}') == 1
    assert b"fjord_run_seconds_sum{" not in text


def test_the_site_is_said_as_it_is() -> None:
    text = Metrics().exposition(_view())[0]
    assert _value(text, 'fjord_queue_depth{band="high"}') == 1
    assert _value(text, 'fjord_queue_depth{band="critical"}') == 0
    assert _value(text, 'fjord_machine_up{device="cpu",machine="a/cpu0"}') == 1
    assert _value(text, 'fjord_machine_utilisation_ratio{machine="a/cpu0"}') == 0.25
    assert _value(text, 'fjord_machine_busy_seconds_total{machine="a/cpu0"}') == 2
    assert _value(text, "fjord_plan_gap_ratio") == 0.25
    assert _value(text, 'fjord_events_total{event="replans"}') == 7
    assert _value(text, 'fjord_inversions_total{kind="same_machine"}') == 2
    assert _value(text, 'fjord_replans_total{reason="fleet"}') == 3


def test_a_scraper_gets_the_format_that_it_accepts() -> None:
    plain, kind = Metrics().exposition(_view())
    assert kind.startswith("text/plain")
    assert not plain.endswith(b"# EOF\n")
    text, kind = Metrics().exposition(_view(), "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")
