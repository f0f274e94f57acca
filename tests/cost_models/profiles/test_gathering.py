"""Reports of agents become rows: together, whole, and ever more rarely."""

from __future__ import annotations

from pathlib import Path

from cost_models.features import Summary, graph_cost, summarise
from cost_models.profiles.gathering import FIRST_REST_US, SAMPLES, Gatherer, row_of
from cost_models.profiles.store import Store, Survey
from devices.models import bind_shapes
from devices.models.info import describe
from scheduler.model.measuring import Load, Peaks
from scheduler.model.messages import (
    MachineReport,
    Profile,
    ProviderReport,
    Verdict,
    WorkKind,
)
from scheduler.model.ports import CostQuery
from tests.cost_models import world
from tests.onnx_models import mlp

SHAPES = (("x", (1, 16)),)
BUSY = Load(foreign=0.5, contention=0.5)
MACHINE = MachineReport(
    id="a/cpu0",
    device="cpu",
    device_class="cpu",
    cores=(0, 1),
    memory_bytes=1,
    providers=(
        ProviderReport(
            provider="cpu", device_class="cpu", verdict=Verdict.USABLE, fingerprint="Xeon"
        ),
    ),
    peaks=(Peaks(provider="cpu", bytes_per_s=1e10),),
)
QUERY = CostQuery(
    kind=WorkKind.MODEL,
    name="mlp",
    digest="d",
    variant="",
    machine="a/cpu0",
    provider="cpu",
    shapes=SHAPES,
)


def counted(digest: str, shapes: object) -> Summary | None:
    model = mlp()
    cost = graph_cost(model, bind_shapes(describe(model, 0), {}))
    return summarise(cost) if digest == "d" else None


def run(gatherer: Gatherer, count: int, *, begin_us: int = 0, load: Load = BUSY) -> None:
    for index in range(count):
        gatherer.add_run(QUERY, MACHINE, 100 + index, load, begin_us + index)


def test_executions_under_the_same_load_become_one_row() -> None:
    gatherer = Gatherer()
    run(gatherer, SAMPLES - 1)
    assert gatherer.take(SAMPLES) == []
    run(gatherer, 1, begin_us=SAMPLES)
    (gathered,) = gatherer.take(SAMPLES)
    row = row_of(gathered, counted)
    assert row is not None
    assert len(row.samples_us) == SAMPLES
    assert (row.source, row.threads, row.fingerprint, row.load) == ("run", 2, "Xeon", BUSY)
    assert row.peaks == MACHINE.peaks[0]
    assert row.graph["flops"] > 0
    assert row.roofline_us > 0


def test_other_loads_are_kept_apart() -> None:
    gatherer = Gatherer()
    run(gatherer, SAMPLES - 1)
    run(gatherer, SAMPLES - 1, load=Load())
    assert gatherer.take(SAMPLES) == []


def test_the_same_thing_is_left_alone_twice_as_long_after_each_row() -> None:
    gatherer = Gatherer()
    run(gatherer, SAMPLES)
    assert len(gatherer.take(0)) == 1
    for begin_us in (FIRST_REST_US - SAMPLES, FIRST_REST_US, 3 * FIRST_REST_US - 1):
        run(gatherer, SAMPLES, begin_us=begin_us)
        rows = len(gatherer.take(begin_us))
        assert rows == (begin_us == FIRST_REST_US)


def test_profile_is_a_row_and_one_that_failed_is_not() -> None:
    gatherer = Gatherer()
    for verdict in (Verdict.USABLE, Verdict.FAILED):
        profile = Profile(
            digest="d",
            machine="a/cpu0",
            provider="cpu",
            verdict=verdict,
            samples_us=(0, 7),
            shapes=dict(SHAPES),
            load=Load(),
            load_us=5,
        )
        gatherer.add_profile(profile, MACHINE)
    (gathered,) = gatherer.take(0)
    row = row_of(gathered, counted)
    assert row is not None
    assert (row.source, row.samples_us, row.load_us) == ("profile", (1, 7), 5)


def test_model_whose_graph_cannot_be_counted_is_no_row() -> None:
    gatherer = Gatherer()
    run(gatherer, SAMPLES)
    (gathered,) = gatherer.take(0)
    assert row_of(gathered, lambda digest, shapes: None) is None


def test_survey_follows_a_folder_as_it_grows(tmp_path: Path) -> None:
    survey, store = Survey(tmp_path), Store(tmp_path, "box")
    survey.look()
    assert (survey.rows, survey.families) == (0, set())
    rows = world.rows(families=range(2), each=2)
    for begin in (0, len(rows) // 2):
        store.append(rows[begin : begin + len(rows) // 2])
        survey.look()
    assert survey.rows == len(rows)
    assert survey.families == {row.family for row in rows}
