"""A short collection on this box."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from api.tools.collecting.collector import KERNELS as KERNELS_EACH
from api.tools.collecting.collector import LOADS, CollectionTally
from api.tools.collecting.corpus import Point
from api.tools.collecting.session import collect
from api.tools.collecting.stations import Station, stations
from cost_models.profiles.measurement import KERNELS
from cost_models.profiles.store import read
from devices.box.host import usable_cores
from scheduler.model.measuring import Kind
from tests.onnx_models import conv_net, save

MACHINE = Station(provider="cpu", cores=usable_cores()[:1])
AMPLE_S = 60.0

pytestmark = pytest.mark.provider


def point(folder: Path) -> Point:
    path = save(conv_net(), folder)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Point(path=str(path), digest=digest, family="net", variant="fp32", shapes={})


def measured(folder: Path) -> CollectionTally:
    """One group of one point on one machine."""
    points = [point(folder)]
    rows = folder / "rows"
    return collect(rows, seconds=AMPLE_S, groups=1, points=points, machines=[MACHINE])


def test_a_point_is_measured_idle_and_beside_others_with_all_that_matters(tmp_path: Path) -> None:
    tally = measured(tmp_path)
    rows = read(tmp_path / "rows").measurements
    assert len(rows) == tally.rows == 2 + LOADS + (len(usable_cores()) > 1) + KERNELS_EACH
    for row in rows:
        assert row.family in {"net", KERNELS}
        assert row.kernels
        assert row.peaks is not None
        assert row.roofline_us > 0
        assert row.graph["launches"] > 0
        assert row.load.pace_ns > 0
        assert len(row.samples_us) >= 3
    if len(usable_cores()) > 1:
        kinds = {n.kind for row in rows for n in row.load.neighbours}
        assert kinds <= set(Kind)
        assert kinds


def test_single_kernels_are_measured_at_rest_on_every_machine(tmp_path: Path) -> None:
    measured(tmp_path)
    single = [r for r in read(tmp_path / "rows").measurements if r.family == KERNELS]
    assert len({row.digest for row in single}) == len(single) == KERNELS_EACH
    assert all(row.load.neighbours == () and row.load.idle_us == 0 for row in single)


def test_a_second_collection_goes_on_where_the_first_one_stopped(tmp_path: Path) -> None:
    first = measured(tmp_path)
    (mark,) = (tmp_path / "rows").glob("*.progress")
    assert mark.read_text() == "1"
    again = measured(tmp_path)
    assert mark.read_text() == "2"
    assert len(read(tmp_path / "rows").measurements) == first.rows + again.rows


def test_a_model_that_no_machine_runs_is_named_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(save(conv_net(), tmp_path).read_bytes())
    broken = Point(path=str(path), digest="d", family="net", variant="", shapes={"nothing": (1, 2)})
    rows = tmp_path / "rows"
    tally = collect(rows, seconds=AMPLE_S, groups=1, points=[broken], machines=[MACHINE])
    assert {row.family for row in read(rows).measurements} == {KERNELS}
    ((name, reason),) = tally.refused.items()
    assert name.endswith("broken.onnx")
    assert "got 'nothing'" in reason


def test_one_core_and_two_cores_are_machines_of_their_own() -> None:
    found = [s for s in stations((0, 1, 2)) if s.provider == "cpu"]
    assert [station.cores for station in found] == [(0,), (0, 1)]
    assert [s.cores for s in stations((5,)) if s.provider == "cpu"] == [(5,)]
