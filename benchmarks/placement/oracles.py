"""The oracles that are compared, and the one that a single service can change between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from scheduler.model.forms import Form
from scheduler.model.measuring import Load
from scheduler.model.messages import MachineReport, Profile
from scheduler.model.ports import Contribution, CostQuery, DurationOracle, OracleReport, Prediction


class Switched:
    """Several oracles that all learn from all executions, one of which is asked.

    They are compared on the same service with the same sessions, round by round, and neither has
    ever seen less than the other.
    """

    def __init__(self, oracles: Mapping[str, DurationOracle]) -> None:
        self._oracles = dict(oracles)
        self._asked = next(iter(self._oracles.values()))

    def choose(self, name: str) -> None:
        """Ask the oracle of this name from now on."""
        self._asked = self._oracles[name]

    def predict(self, queries: Sequence[CostQuery]) -> list[Prediction | None]:
        """The predictions of the chosen oracle."""
        return self._asked.predict(queries)

    def explain(self, query: CostQuery) -> tuple[Contribution, ...]:
        """The explanation of the chosen oracle."""
        return self._asked.explain(query)

    def report(self) -> OracleReport:
        """The report of the chosen oracle."""
        return self._asked.report()

    @property
    def forms(self) -> tuple[Form, ...]:
        """The stored forms of all oracles, by their tags."""
        found = {form.tag: form for oracle in self._oracles.values() for form in oracle.forms}
        return tuple(found.values())

    def learned(self) -> dict[str, object]:
        """The knowledge of each, by name."""
        return {name: oracle.learned() for name, oracle in self._oracles.items()}

    def resume(self, learned: dict[str, object]) -> None:
        """Have each go on from its part."""
        for name, oracle in self._oracles.items():
            oracle.resume(learned[name])

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Have all answer without a trace in their knowledge."""
        with ExitStack() as stack:
            for oracle in self._oracles.values():
                stack.enter_context(oracle.aside())
            yield

    def change_model(self, digest: str) -> None:
        """Tell all."""
        for oracle in self._oracles.values():
            oracle.change_model(digest)

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
