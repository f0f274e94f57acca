"""A scenario under one policy, and many of them over all cores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import log
from multiprocessing import get_context
from pathlib import Path

from api.tools.simulating.form import ScenarioForm
from api.tools.simulating.mapping import scenario_of
from cost_models.layers import DECLARED_VARIANCE, Belief
from cost_models.oracle import Oracle
from scheduler.control.brain import Brain, BrainSettings
from scheduler.control.records import RunRecord
from scheduler.model.messages import MachineReport
from scheduler.model.ports import CostQuery, Provenance
from scheduler.portfolio import placer
from scheduler.simulation.report import Report, report
from scheduler.simulation.scenario import Scenario
from scheduler.simulation.simulating import simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A scenario to be run under a policy."""

    form: ScenarioForm
    folder: Path
    placement: str


@dataclass(frozen=True, slots=True)
class DeclaredByScenario:
    """Beliefs of an oracle that knows the costs of a scenario, but not the chance in them."""

    scenario: Scenario
    knows_loads = False

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        """One belief per query of a function that the machine can run."""
        return [self._belief(query) for query in queries]

    def learn_machine(self, machine: MachineReport) -> None:
        """Nothing to learn: the scenario names every machine."""

    def _belief(self, query: CostQuery) -> Belief | None:
        cost = self.scenario.costs.get((query.name, query.machine))
        if cost is None:
            return None
        # Without any variance a single late end would count as a change for good.
        variance = max(cost.spread**2, DECLARED_VARIANCE / 100)
        level = log(cost.median_us)
        return Belief(level=level, variance=variance, provenance=Provenance.DECLARED)


def run(trial: Trial) -> tuple[Report, tuple[RunRecord, ...]]:
    """Run a scenario; gives its figures and the record of each run."""
    scenario = scenario_of(trial.form, trial.folder)
    brain = Brain(
        oracle=Oracle((DeclaredByScenario(scenario),)),
        solvers={trial.placement: placer(trial.placement)},
        settings=BrainSettings(placement=trial.placement),
    )
    records = simulate(scenario, brain)
    machines = [machine.id for box in scenario.boxes.values() for machine in box]
    return report(records, machines), records


def run_all(trials: Sequence[Trial]) -> Iterator[Report]:
    """Run many over all cores; their figures come in order, each as soon as it is there."""
    # By new processes: those of a fork would share the threads of compiled code.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        yield from processes.map(_figures, trials)


def _figures(trial: Trial) -> Report:
    return run(trial)[0]
