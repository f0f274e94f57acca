"""The oracles that are compared, and the one that a single service can change between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scheduler.model.measuring import Load
from scheduler.model.messages import MachineReport, Profile
from scheduler.model.ports import Contribution, CostQuery, DurationOracle, OracleReport, Prediction


class Switched:
    """Several oracles that all learn from everything, one of which is asked.

    So they are compared on the same service with the same sessions, round by round, and neither
    is ever behind the other in what it has seen.
    """

    def __init__(self, oracles: Mapping[str, DurationOracle]) -> None:
        self._oracles = dict(oracles)
        self._asked = next(iter(self._oracles.values()))

    def choose(self, name: str) -> None:
        """Ask this one from now on."""
        self._asked = self._oracles[name]

    def predict(self, queries: Sequence[CostQuery]) -> list[Prediction | None]:
        """What the chosen one says."""
        return self._asked.predict(queries)

    def explain(self, query: CostQuery) -> tuple[Contribution, ...]:
        """What the chosen one says."""
        return self._asked.explain(query)

    def report(self) -> OracleReport:
        """What the chosen one says."""
        return self._asked.report()

    def learn_machine(self, machine: MachineReport) -> None:
        """Tell all."""
        for oracle in self._oracles.values():
            oracle.learn_machine(machine)

    def learn_graph(self, digest: str, counts: str) -> None:
        """Tell all."""
        for oracle in self._oracles.values():
            oracle.learn_graph(digest, counts)

    def learn_profile(self, profile: Profile, variant: str, at_us: int = 0) -> None:
        """Tell all."""
        for oracle in self._oracles.values():
            oracle.learn_profile(profile, variant, at_us)

    def observe(
        self,
        query: CostQuery,
        duration_us: int,
        *,
        load: Load | None = None,
        at_us: int = 0,
        load_us: int = 0,
    ) -> None:
        """Tell all."""
        for oracle in self._oracles.values():
            oracle.observe(query, duration_us, load=load, at_us=at_us, load_us=load_us)
