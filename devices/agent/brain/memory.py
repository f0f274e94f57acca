"""Memory of an agent about runs: outputs that are there, and attempts that were begun."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from scheduler.model.errors import InvalidTensor
from scheduler.model.messages import Binding, Dispatch, Release, Source, Value

# Runs end with a release, which frees their memory; this bounds the cost of a lost release.
MOST_RUNS = 4096


@dataclass(slots=True)
class _Run:
    outputs: dict[str, dict[str, Value]] = field(default_factory=dict)
    taken: set[tuple[str, int]] = field(default_factory=set)


class RunMemory:
    """Outputs by operation, and the attempts that were begun, of the latest runs."""

    def __init__(self, most_runs: int = MOST_RUNS) -> None:
        self._most_runs = most_runs
        self._runs: OrderedDict[str, _Run] = OrderedDict()
        self._released: OrderedDict[str, Release] = OrderedDict()

    def remember(self, run: str, operation: str, outputs: dict[str, Value]) -> None:
        """Keep the outputs of an operation."""
        self._of(run).outputs[operation] = outputs

    def take(self, dispatch: Dispatch) -> None:
        """Note that this attempt was begun: a plan that names it again changes nothing."""
        self._of(dispatch.run).taken.add((dispatch.operation, dispatch.attempt))

    def has_taken(self, dispatch: Dispatch) -> bool:
        """True if this attempt was begun here."""
        run = self._runs.get(dispatch.run)
        return run is not None and (dispatch.operation, dispatch.attempt) in run.taken

    def has_begun(self, operation: str) -> bool:
        """True if any attempt of an operation was begun here."""
        run = self._runs.get(operation.partition("/")[0])
        return run is not None and any(name == operation for name, _ in run.taken)

    def forget_attempts(self) -> None:
        """Forget attempts that were begun: the controller that plans anew does not know of them."""
        for run in self._runs.values():
            run.taken.clear()

    def release(self, release: Release) -> None:
        """Forget the outputs of a run."""
        run = self._runs.get(release.run)
        if run is not None:
            run.outputs.clear()
        self._released[release.run] = release
        while len(self._released) > self._most_runs:
            self._released.popitem(last=False)

    def released(self, run: str) -> Release | None:
        """Release of a run, if there was one: late outputs of the run are to be deleted too."""
        return self._released.get(run)

    def inputs(self, dispatch: Dispatch) -> dict[str, Value] | None:
        """All inputs of an operation; ``None`` while one is still to be made.

        Raises
        ------
        InvalidTensor
            If a producer did not give an output that is taken from it.
        """
        outputs = self._runs[dispatch.run].outputs if dispatch.run in self._runs else {}
        found = {}
        for binding in dispatch.inputs:
            value = _bound(binding, outputs)
            if value is None:
                return None
            found[binding.name] = value
        return found

    def _of(self, run: str) -> _Run:
        if run not in self._runs:
            self._runs[run] = _Run()
            while len(self._runs) > self._most_runs:
                self._runs.popitem(last=False)
        return self._runs[run]


def _bound(binding: Binding, outputs: dict[str, dict[str, Value]]) -> Value | None:
    values = []
    for source in binding.sources:
        value = _given(source, outputs)
        if value is None:
            return None
        values.append(value)
    if binding.gather:
        return Value(tensors=tuple(t for value in values for t in value.tensors), is_list=True)
    return values[0]


def _given(source: Source, outputs: dict[str, dict[str, Value]]) -> Value | None:
    value = source.value
    if value is None:
        if source.operation not in outputs:
            return None
        value = outputs[source.operation].get(source.output)
        if value is None:
            raise InvalidTensor(f"{source.operation} has no output {source.output!r}")
    if source.item is None:
        return value
    if not value.is_list or source.item >= len(value.tensors):
        raise InvalidTensor(
            f"{source.operation or 'input'}.{source.output} has no item {source.item}"
        )
    return Value(tensors=(value.tensors[source.item],))
