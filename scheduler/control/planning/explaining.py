"""Explanations: the candidates of an operation, and the reason that a queued run waits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from scheduler.control.forecast.options import options
from scheduler.control.planning.backfilling import reservation_before
from scheduler.control.records import Candidate, OperationState, Reason
from scheduler.control.state.holds import free_us
from scheduler.control.state.operations import PENDING, LiveOperation, LiveRun, Options, Placement
from scheduler.control.state.state import State
from scheduler.model.messages import WorkKind
from scheduler.model.problem import Mode

_UNBLOCKED_BY: tuple[tuple[Reason, str], ...] = (
    (Reason.NOT_PROFILED, "waits for {target} to be profiled on any of {places}"),
    (Reason.BESIDE_CRITICAL, "waits for critical runs to leave the box of {places}"),
    (Reason.AFTER_DEVICES, "waits for the devices of its box to be measured: {places}"),
    (Reason.MACHINE_DOWN, "waits for any of {places} to come up again"),
    (Reason.SUSPECTED, "waits for any of {places} to answer: the work there is overdue"),
    (Reason.DRAINING, "waits for an agent: those that could run {target} are draining: {places}"),
    (Reason.NOT_CONNECTED, "waits for an agent: those that could run {target} are lost: {places}"),
    (Reason.OUT_OF_MEMORY, "waits for a machine with more memory than {places}"),
    (Reason.REFUSED, "waits for a machine that runs {target} correctly: {details}"),
    (Reason.FAILED_BEFORE, "waits for another machine: it failed on {places}"),
    (Reason.NOT_ALLOWED, "waits for a machine that the run allows; there are {places}"),
    (Reason.FORBIDDEN, "waits for a machine that the run does not forbid; there are {places}"),
    (Reason.PROVIDER_UNUSABLE, "waits for a usable provider: {details}"),
    (Reason.NO_FUNCTION, "waits for a machine that runs function {target}; there are {places}"),
)
"""Conditions that would unblock an operation, the reason that is nearest to passing first."""
_PLACES_SHOWN = 8


class Timetable:
    """The plan by machine, for asking when something else would fit."""

    def __init__(self, state: State, placements: Mapping[str, Placement] | None = None) -> None:
        self._state = state
        self._given = placements

    @cached_property
    def _placements(self) -> Mapping[str, Placement]:
        if self._given is not None:
            return self._given
        planned = self._state.plan.planned.items()
        return {name: op.placement for name, op in planned if op.placement is not None}

    @cached_property
    def _loads(self) -> set[tuple[str, str]]:
        """Machines and families whose session the plan makes."""
        placed = self._placements.values()
        return {(p.mode.machine, p.mode.family) for p in placed if p.load_us}

    @cached_property
    def _spans(self) -> dict[str, list[tuple[int, int]]]:
        """Per machine, when it is busy, in order."""
        state = self._state
        spans: dict[str, list[tuple[int, int]]] = {}
        for machine in state.machines.values():
            if machine.running:
                op = state.operations[machine.running]
                start_us = op.started_us or 0
                span = (start_us, max(op.expected_end_us, state.now_us))
                spans.setdefault(op.machine, []).append(span)
            elif machine.held is not None:
                span = (state.now_us, free_us(state, machine))
                spans.setdefault(machine.report.id, []).append(span)
        for placed in self._placements.values():
            span = (placed.start_us, placed.end_us)
            spans.setdefault(placed.mode.machine, []).append(span)
        return {machine: sorted(found) for machine, found in spans.items()}

    @cached_property
    def _stretches(self) -> dict[str, list[tuple[int, int]]]:
        """The same spans, joined if there is no gap between them: a full machine is one stretch."""
        return {machine: _joined(spans) for machine, spans in self._spans.items()}

    def placement(self, op: LiveOperation) -> Placement | None:
        """The placement of an operation."""
        return op.placement if self._given is None else self._given.get(op.id, op.placement)

    def versions(self, op: LiveOperation) -> tuple[str, str]:
        """Versions of ONNX Runtime and of the provider's package for the record of an operation."""
        placed = self.placement(op)
        if op.state not in PENDING or placed is None:
            return op.runtime, op.plug_in
        return self._state.versions(placed.mode.machine, placed.mode.provider)

    def finish_us(self, op: LiveOperation, mode: Mode) -> int:
        """End of the operation in that mode, everything else staying where it is."""
        start_us = self._ready_us(op, mode.machine)
        is_loaded = (mode.machine, mode.family) in self._loads
        takes_us = mode.duration_us + (0 if is_loaded else mode.setup_us)
        own = self.placement(op)
        mine = (own.start_us, own.end_us) if own and own.mode.machine == mode.machine else None
        spans = (self._spans if mine else self._stretches).get(mode.machine, [])
        i = max(0, bisect_right(spans, (start_us, start_us)) - 1)
        for span in spans[i:]:
            if span[0] >= start_us + takes_us:
                break
            if span != mine:
                start_us = max(start_us, span[1])
        return start_us + takes_us

    def _ready_us(self, op: LiveOperation, machine: str) -> int:
        box = self._state.machines[machine].box
        ready_us = self._state.now_us
        for edge in op.unmet.values():
            before = op.run.operations[edge.source]
            end_us, source = self._end_us(before)
            if source:
                source_box = self._state.machines[source].box
                move_us = self._state.links.transfer_us(source_box, box, edge.size_bytes)
                ready_us = max(ready_us, end_us + move_us)
        return ready_us

    def _end_us(self, op: LiveOperation) -> tuple[int, str]:
        placed = self.placement(op)
        if op.state is OperationState.RUNNING:
            return op.expected_end_us, op.machine
        if op.state in PENDING and placed is not None:
            return placed.end_us, placed.mode.machine
        return 0, ""


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start_us, end_us in spans:
        if found and start_us <= found[-1][1]:
            found[-1] = (found[-1][0], max(end_us, found[-1][1]))
        else:
            found.append((start_us, end_us))
    return found


def candidates(
    state: State, table: Timetable, op: LiveOperation, found: Options | None = None
) -> tuple[Candidate, ...]:
    """All ways the operation could run: the chosen first, then the others, then the refused."""
    found = found or options(state, op)
    placed = table.placement(op)
    if placed is None:
        return found.refused
    chosen = Candidate(
        machine=placed.mode.machine,
        provider=placed.mode.provider,
        variant=placed.mode.variant,
        finish_us=placed.end_us,
    )
    others = [
        _other(placed, mode, table.finish_us(op, mode))
        for mode in found.modes
        if (mode.machine, mode.provider) != (chosen.machine, chosen.provider)
    ]
    return (chosen, *others, *found.refused)


def chosen_instead(op: LiveOperation, mode: Mode, finish_us: int) -> tuple[Candidate, ...]:
    """Candidates of an operation that was sent, after another one than the first was chosen."""
    others = [
        c if c.finish_us is None else replace(c, reason=_against(c.finish_us, finish_us))
        for c in op.candidates
        if (c.machine, c.provider) != (mode.machine, mode.provider)
    ]
    chosen = Candidate(
        machine=mode.machine, provider=mode.provider, variant=mode.variant, finish_us=finish_us
    )
    return (chosen, *others)


def is_chosen(op: LiveOperation, mode: Mode) -> bool:
    """True if the mode is the one that the candidates of an operation show as chosen."""
    first = op.candidates[0] if op.candidates else None
    return first is not None and (first.machine, first.provider) == (mode.machine, mode.provider)


def why_waiting(state: State, run: LiveRun) -> tuple[str, str]:
    """Reason and detail of a run of which nothing runs now; empty if something does."""
    if run.is_ended or any(op.state is OperationState.RUNNING for op in run.open.values()):
        return "", ""
    pending = [op for op in run.open.values() if op.state in PENDING]
    for op in pending:
        if op.placement is None:
            found = options(state, op)
            if not found.modes:
                return blocked_by(op, found)
    placed = [op for op in pending if op.placement is not None]
    if not placed:
        horizon = state.settings.plan_horizon_operations
        detail = f"waits until the {horizon} most urgent operations before it are through"
        return Reason.WAITS_FOR_MACHINE.value, detail
    return _waits_its_turn(state, placed[0])


def blocked_by(op: LiveOperation, found: Options) -> tuple[str, str]:
    """Reason and detail of an operation that no machine can run now."""
    for reason, text in _UNBLOCKED_BY:
        matching = [candidate for candidate in found.refused if candidate.reason is reason]
        if matching:
            return reason.value, text.format(
                target=op.stage.target,
                places=_listed(f"{c.machine}:{c.provider}" for c in matching),
                details=_listed(f"{c.machine}:{c.provider}: {c.detail}" for c in matching),
            )
    kind = "function" if op.stage.kind is WorkKind.FUNCTION else "model"
    return (
        Reason.NO_MACHINE.value,
        f"waits for a machine to join that runs {kind} {op.stage.target}",
    )


def refusals(found: Options) -> str:
    """The places where an operation's model was measured and refused, each with the reason."""
    refused = [each for each in found.refused if each.reason is Reason.REFUSED]
    return _listed(f"{each.machine}:{each.provider}: {each.detail}" for each in refused)


def _other(placed: Placement, mode: Mode, finish_us: int) -> Candidate:
    return Candidate(
        machine=mode.machine,
        provider=mode.provider,
        variant=mode.variant,
        finish_us=finish_us,
        reason=_against(finish_us, placed.end_us),
    )


def _against(finish_us: int, chosen_us: int) -> Reason:
    """The reason against a candidate, by its finish and that of the chosen one."""
    if finish_us == chosen_us:
        return Reason.SAME_FINISH
    return Reason.WORSE_PLAN if finish_us < chosen_us else Reason.LATER_FINISH


def _waits_its_turn(state: State, op: LiveOperation) -> tuple[str, str]:
    placed = op.placement
    assert placed is not None
    machine = placed.mode.machine
    live = state.machines[machine]
    if not live.running and live.held is not None and live.held.is_restart:
        return (
            Reason.WAITS_FOR_MACHINE.value,
            f"planned on {machine}, whose worker is started again",
        )
    kept = reservation_before(state, op) if not live.running and live.held is None else None
    if kept is not None:
        expected = kept.run or f"the next run of {kept.workload}"
        detail = f"{machine} is kept free for {expected}"
        return Reason.KEPT_FREE.value, detail
    # Records are written when their run changes: an operation that runs there meanwhile may have
    # ended long ago by the time somebody reads this, so it is not named.
    return Reason.WAITS_FOR_MACHINE.value, f"waits its turn on {machine}"


def _listed(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    more = len(found) - _PLACES_SHOWN
    return ", ".join(found[:_PLACES_SHOWN]) + (f" and {more} more" if more > 0 else "")
