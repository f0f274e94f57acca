"""Energy from the counters of a box to the plan that is made for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

from devices.catalogue import provider
from devices.runtime.profile import profile
from devices.sensing.energy import EnergyMeter
from scheduler.model.messages import Profile
from scheduler.model.objectives import Objective, evaluate
from scheduler.model.schedule import Limits
from scheduler.portfolio import placer
from tests import onnx_models as onnx
from tests.scheduler.site import DIGEST, added, agent_joined, model_added, model_workload, submitted
from tests.scheduler.watched import Watched, dispatches, finish, start

STEP_UJ, STEP_NS = 3_000, 1_000_000


class Package:
    """The files of one package; its counter moves whenever the clock of the profile is read."""

    def __init__(self, root: Path) -> None:
        self.zone = root / "sys/class/powercap/intel-rapl:0"
        self.zone.mkdir(parents=True)
        (self.zone / "name").write_text("package-0\n")
        (self.zone / "max_energy_range_uj").write_text("262143328850\n")
        self._steps = count()
        self.clock()

    def clock(self) -> int:
        step = next(self._steps)
        (self.zone / "energy_uj").write_text(f"{step * STEP_UJ}\n")
        return step * STEP_NS


def measured(folder: Path, *, is_readable: bool = True) -> Profile:
    package = Package(folder)
    if not is_readable:
        (package.zone / "energy_uj").unlink()
    path = onnx.save(onnx.relu(), folder)
    ticks = count(step=STEP_NS)
    clock = package.clock if is_readable else lambda: next(ticks)
    meter = EnergyMeter(folder)
    return profile(path, "d", provider("cpu"), "a/cpu0", repeats=4, clock=clock, meter=meter)


def test_profile_tells_the_energy_of_one_run(tmp_path: Path) -> None:
    # The clock is read twice per run, before and after it.
    assert measured(tmp_path).energy_uj == 2 * STEP_UJ


def test_box_whose_counters_cannot_be_read_tells_none_and_not_zero(tmp_path: Path) -> None:
    assert measured(tmp_path, is_readable=False).energy_uj is None


def test_measured_energy_is_what_the_objective_of_a_plan_counts(tmp_path: Path) -> None:
    found = measured(tmp_path)
    brain = Watched()
    told = brain.feed(agent_joined(), model_added(), added(model_workload()))
    (sent,) = dispatches(told)
    brain.feed(start(sent, 1), replace(finish(sent, 1_000), profile=replace(found, digest=DIGEST)))
    _, problem = brain.preview(submitted("r-1", "detect@1", at_us=2_000))
    schedule = placer("heft")(problem, Limits(time_s=1.0), 0).schedule
    assert schedule is not None
    assert evaluate(problem, schedule, Objective.ENERGY) == 2 * STEP_UJ
