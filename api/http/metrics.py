"""Metrics for Prometheus: runs as they end, and the state of the site when it is asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from api.controller.solver_process import SearchTimes
from api.http.parsing import parsing
from api.store import FINAL
from scheduler.control.records import RunRecord, RunState, SiteView, is_missed
from scheduler.model.problem import Band

BUCKETS_S = tuple(
    factor * 10.0**power for power in range(-3, 3) for factor in (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
)
"""From 1 ms to 700 s, six per decade: a quantile is read to within a fifth."""
STALLS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Stalls of the loop: no piece of work may take 50 ms."""
REMEMBERED_RUNS = 10_000
"""Ends of so many runs are remembered: a new controller tells some of them again."""


class Metrics:
    """Metrics of the site as this process has seen it.

    Parameters
    ----------
    searches
        Times of the searches of its solver process; ``None`` where it has none.
    """

    def __init__(self, searches: SearchTimes | None = None) -> None:
        self.registry = CollectorRegistry()
        if searches is not None:
            share = Gauge(
                "fjord_solver_cpu_share",
                "Processor time of searches for better plans by their wall time.",
                registry=self.registry,
            )
            share.set_function(lambda: searches.cpu_share)
        self._site = _Site()
        self.registry.register(self._site)
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._runs = Counter(
            "fjord_runs", "Runs that ended.", ["workload", "state"], registry=self.registry
        )
        self._late = Counter(
            "fjord_runs_late",
            "Runs that finished after their deadline, or were dropped for it.",
            ["workload"],
            registry=self.registry,
        )
        self._stall = Histogram(
            "fjord_loop_stall_seconds",
            "From when the loop of this process was due to serve somebody to when it did.",
            buckets=STALLS_S,
            registry=self.registry,
        )
        self._aside = Gauge(
            "fjord_events_set_aside",
            "Events that no controller takes in any more.",
            registry=self.registry,
        )
        self._whole = self._histogram("fjord_run_seconds", "From submission to end.")
        self._queued = self._histogram("fjord_run_queue_seconds", "From submission to start.")
        self._computed = self._histogram("fjord_run_compute_seconds", "From start to end.")
        self.history_waiting = Gauge(
            "fjord_history_waiting", "Entries that wait to be archived.", registry=self.registry
        )

    def take(self, record: RunRecord) -> None:
        """Count a run that has ended, once."""
        if record.state not in FINAL or record.kind != "run" or record.run in self._ended:
            return
        self._ended[record.run] = None
        if len(self._ended) > REMEMBERED_RUNS:
            self._ended.popitem(last=False)
        # Versions come and go with every upload; a label for each would never go away.
        workload = record.workload.partition("@")[0]
        self._runs.labels(workload, record.state.value).inc()
        if _is_late(record):
            self._late.labels(workload).inc()
        if record.state is RunState.FINISHED:
            self._observe(workload, record)

    def stalled(self, seconds: float) -> None:
        """Count a turn of the loop that came so late."""
        self._stall.observe(seconds)

    def set_aside(self, count: int) -> None:
        """Note how many events are set aside."""
        self._aside.set(count)

    def exposition(self, view: SiteView | None, accept: str = "") -> tuple[bytes, str]:
        """Say everything in the format that a scraper accepts; text and content type."""
        self._site.view = view
        with parsing("accept must name a format of Prometheus", field="accept"):
            encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _observe(self, workload: str, record: RunRecord) -> None:
        assert record.ended_us is not None
        started_us = record.ended_us if record.started_us is None else record.started_us
        for histogram, span_us in (
            (self._whole, record.ended_us - record.submitted_us),
            (self._queued, started_us - record.submitted_us),
            (self._computed, record.ended_us - started_us),
        ):
            histogram.labels(workload).observe(span_us / 1e6)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(name, text, ["workload"], buckets=BUCKETS_S, registry=self.registry)


def _is_late(record: RunRecord) -> bool:
    return is_missed(record.state, record.reason, record.ended_us, record.deadline_us)


class _Site(Collector):
    """Gauges of the latest view of the site."""

    def __init__(self) -> None:
        self.view: SiteView | None = None

    def collect(self) -> Iterable[Metric]:
        """The gauges, from the view; none before there is one."""
        if self.view is not None:
            yield from _queues(self.view)
            yield from _machines(self.view)
            yield from _plan(self.view)

    def describe(self) -> Iterable[Metric]:
        """Describe nothing: names do not clash, they are all declared in this file."""
        return ()


def _queues(view: SiteView) -> Iterator[Metric]:
    depth = GaugeMetricFamily("fjord_queue_depth", "Runs that wait.", labels=["band"])
    for band in Band:
        name = band.name.lower()
        waiting = (run.state is RunState.QUEUED and run.band == band for run in view.runs)
        depth.add_metric([name], sum(waiting) + view.runs_left_out.get(name, 0))
    yield depth
    events = CounterMetricFamily("fjord_events", "Counters of the brain.", labels=["event"])
    inversions = CounterMetricFamily(
        "fjord_inversions",
        "Starts of less urgent work where more urgent work was ready, by where that ran.",
        labels=["kind"],
    )
    replans = CounterMetricFamily(
        "fjord_replans", "Turns that planned all pending work again, by reason.", labels=["reason"]
    )
    families = {"inversions": inversions, "replans": replans}
    counts = dict(view.counters)
    waited_us = counts.pop("call_revocation_us", 0)
    yield GaugeMetricFamily(
        "fjord_call_revocation_seconds",
        "Longest that an operation of a run has waited for a call on its machine to end.",
        waited_us / 1e6,
    )
    for name, count in sorted(counts.items()):
        family, is_labelled, label = name.partition("_")
        if is_labelled and family in families:
            families[family].add_metric([label], count)
        else:
            events.add_metric([name], count)
    yield from (events, inversions, replans)


def _machines(view: SiteView) -> Iterator[Metric]:
    up = GaugeMetricFamily("fjord_machine_up", "1 if it takes work.", labels=["machine", "device"])
    share = GaugeMetricFamily(
        "fjord_machine_utilisation_ratio", "Busy time by time.", labels=["machine"]
    )
    busy = CounterMetricFamily("fjord_machine_busy_seconds", "Time busy.", labels=["machine"])
    for machine in view.machines:
        name = machine.report.id
        up.add_metric([name, machine.report.device_class], machine.state == "up")
        span_us = view.at_us - machine.since_us
        share.add_metric([name], machine.busy_us / span_us if span_us > 0 else 0.0)
        busy.add_metric([name], machine.busy_us / 1e6)
    yield from (up, share, busy)


def _plan(view: SiteView) -> Iterator[Metric]:
    makespan_us, bound_us = view.planned_makespan_us, view.bound_us
    gap = (makespan_us - bound_us) / makespan_us if makespan_us else 0.0
    yield GaugeMetricFamily("fjord_plan_gap_ratio", "(Makespan - bound) / makespan.", gap)
    yield GaugeMetricFamily("fjord_plan_makespan_seconds", "Of the plan.", makespan_us / 1e6)
    yield GaugeMetricFamily("fjord_plan_bound_seconds", "Proven for the plan.", bound_us / 1e6)
