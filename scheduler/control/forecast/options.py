"""Options of an operation: the machines that can run it, for how long, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scheduler.control.forecast.loads import FUNCTION_PROVIDER
from scheduler.control.forecast.refusals import absence_of, refusal_of, refused_as
from scheduler.control.records import Candidate, Reason
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.inputs import held_values, input_shapes
from scheduler.control.state.operations import LiveOperation, Options, stored_boxes
from scheduler.control.state.queries import options_key, query_of
from scheduler.control.state.sessions import holds, session_key
from scheduler.control.state.state import State
from scheduler.model.measuring import IDLE
from scheduler.model.messages import FailureReason, ProviderReport, Value, WorkKind
from scheduler.model.ports import Prediction, Provenance
from scheduler.model.problem import Band, Mode

MOST_OPTIONS = 1_000
"""Kinds of work, under different loads and shapes, whose options are remembered."""
_PASSING = frozenset(
    {
        Reason.NOT_PROFILED,
        Reason.MACHINE_DOWN,
        Reason.BESIDE_CRITICAL,
        Reason.AFTER_DEVICES,
        Reason.SUSPECTED,
    }
)
_PROFILE_P95_SHARE = 4
"""A profile that builds a session and a reference may take this multiple of its budget."""


def options(
    state: State, op: LiveOperation, *, is_pinned: bool = True, tells_pinned: bool = True
) -> Options:
    """Modes of an operation and the candidates that are refused, by all that is known now.

    Parameters
    ----------
    is_pinned
        True to stay with the agent that it was sent to.
    tells_pinned
        True to name the machines of other agents among the refused then. They are all the rest of
        the site, for each operation that was sent: more than planning itself takes.
    """
    found = _own_options(state, op, is_pinned, tells_pinned)
    if len(state.agents) > 1:
        found = _with_fetches(state, op, found)
    return found


def could_run_later(found: Options) -> bool:
    """True if some refusal may pass by itself, so that waiting makes sense."""
    return any(candidate.reason in _PASSING for candidate in found.refused)


def _own_options(state: State, op: LiveOperation, is_pinned: bool, tells_pinned: bool) -> Options:
    if op.only is not None:
        return _profile_options(state, op, *op.only)
    key = options_key(state, op)
    found = state.options.get(key)
    if found is None:
        if len(state.options) >= MOST_OPTIONS:
            state.options.clear()
        found = state.options[key] = _site_options(state, op)
    if is_pinned and op.agent:
        found = _pinned(state, found, op.agent, tells_pinned)
    return _untried(op, found) if op.excluded else found


def _site_options(state: State, op: LiveOperation) -> Options:
    """Options of a kind of work under a run's rules, whatever happened to its operations."""
    usable: list[tuple[LiveMachine, str]] = []
    refused: list[Candidate] = []
    for machine in state.machines.values():
        for provider, verdict in _providers(machine, op):
            reason, detail = refusal_of(state, op, machine, provider, verdict)
            if reason is None:
                usable.append((machine, provider))
            else:
                refused.append(refused_as(machine.report.id, provider, reason, detail))
    queries = [
        query_of(op, name, provider, state.foreseen.get(name, IDLE))
        for name, provider in ((machine.report.id, provider) for machine, provider in usable)
    ]
    modes: list[Mode] = []
    provenance: list[str] = []
    for (machine, provider), found in zip(usable, state.oracle.predict(queries), strict=True):
        name = machine.report.id
        if found is None:
            refused.append(refused_as(name, provider, Reason.NOT_PROFILED, "nothing was measured"))
        elif machine.report.memory_bytes and found.peak_bytes > machine.report.memory_bytes:
            detail = f"needs {found.peak_bytes} of {machine.report.memory_bytes} bytes"
            refused.append(refused_as(name, provider, Reason.OUT_OF_MEMORY, detail))
        else:
            modes.append(_mode(machine, provider, op, found))
            provenance.append(found.provenance.value)
    return Options(tuple(modes), tuple(provenance), tuple(refused))


def _mode(live: LiveMachine, provider: str, op: LiveOperation, found: Prediction) -> Mode:
    # A guess moves nothing: every model that was measured somewhere has a load time there.
    is_known = found.load_provenance is Provenance.MEASURED and found.load_us > 0
    is_cold = is_known and not holds(live, op, provider)
    return Mode(
        machine=live.report.id,
        provider=provider,
        family=_family(live, op, provider) if is_cold else "",
        setup_us=found.load_us if is_cold else 0,
        duration_us=found.p50_us,
        duration_p95_us=found.p95_us,
        peak_bytes=found.peak_bytes,
        energy_uj=found.energy_uj or 0,
    )


def _family(live: LiveMachine, op: LiveOperation, provider: str) -> str:
    digest, name, shapes = session_key(live, op.stage.digest, provider, input_shapes(op))
    return f"{digest}:{name}:{shapes}" if shapes else f"{digest}:{name}"


def _providers(
    machine: LiveMachine, op: LiveOperation
) -> Iterator[tuple[str, ProviderReport | None]]:
    if op.stage.kind is WorkKind.FUNCTION:
        yield FUNCTION_PROVIDER, None
        return
    for report in machine.report.providers:
        yield report.provider, report


def _pinned(state: State, found: Options, agent: str, tells: bool) -> Options:
    """Leave out all machines but those of the agent that an operation was sent to."""
    here: list[int] = []
    refused: list[Candidate] = []
    for i, mode in enumerate(found.modes):
        if state.machines[mode.machine].agent == agent:
            here.append(i)
        elif tells:
            detail = f"already sent to {agent}"
            reason = Reason.PINNED_ELSEWHERE
            refused.append(refused_as(mode.machine, mode.provider, reason, detail))
    return Options(
        tuple([found.modes[i] for i in here]),
        tuple([found.provenance[i] for i in here]),
        (*found.refused, *refused),
    )


def _untried(op: LiveOperation, found: Options) -> Options:
    """Leave out where the operation failed, unless nothing else is left where it only crashed."""
    tried = _split(found, _failed_before(op.excluded))
    if tried.modes or could_run_later(tried):
        return tried
    # A worker is started again after a crash: where there is no other, it gets another try.
    others = {p: r for p, r in op.excluded.items() if r is not FailureReason.WORKER_CRASHED}
    return _split(found, _failed_before(others))


def _failed_before(
    places: Mapping[tuple[str, str], FailureReason],
) -> dict[tuple[str, str], Candidate]:
    return {
        (machine, provider): refused_as(machine, provider, Reason.FAILED_BEFORE, reason.value)
        for (machine, provider), reason in places.items()
    }


def _split(found: Options, barred: dict[tuple[str, str], Candidate]) -> Options:
    """Move the modes that are barred, by machine and provider, to the refused."""
    modes: list[Mode] = []
    provenance: list[str] = []
    refused = list(found.refused)
    for mode, origin in zip(found.modes, found.provenance, strict=True):
        why = barred.get((mode.machine, mode.provider))
        if why is None:
            modes.append(mode)
            provenance.append(origin)
        else:
            assert why.reason is not None
            refused.append(refused_as(mode.machine, mode.provider, why.reason, why.detail))
    return Options(tuple(modes), tuple(provenance), tuple(refused))


def _profile_options(state: State, op: LiveOperation, machine: str, provider: str) -> Options:
    live = state.machines[machine]
    reason, detail = absence_of(state, live)
    if reason is not None:
        return Options(refused=(refused_as(machine, provider, reason, detail),))
    if op.band is Band.BACKGROUND and live.box in state.critical_boxes:
        detail = f"a critical run has work on {live.box}"
        refused = refused_as(machine, provider, Reason.BESIDE_CRITICAL, detail)
        return Options(refused=(refused,))
    if _is_simulated(live, provider) and _has_devices_to_measure(state, live.box):
        detail = f"devices of {live.box} are measured first"
        return Options(refused=(refused_as(machine, provider, Reason.AFTER_DEVICES, detail),))
    budget_us = state.settings.profile_budget_us
    mode = Mode(
        machine=machine,
        provider=provider,
        duration_us=budget_us,
        duration_p95_us=_PROFILE_P95_SHARE * budget_us,
    )
    return Options((mode,), ("assumed",))


def _has_devices_to_measure(state: State, box: str) -> bool:
    """True if a model is still to be measured on a device of the box that takes work."""
    return any(
        _is_device_of(state, box, *op.only)
        for run in state.index.profiles.values()
        for op in run.open.values()
        if op.only is not None
    )


def _is_device_of(state: State, box: str, machine: str, provider: str) -> bool:
    live = state.machines.get(machine)
    if live is None or live.box != box or _is_simulated(live, provider):
        return False
    return absence_of(state, live)[0] is None


def _is_simulated(live: LiveMachine, provider: str) -> bool:
    return any(each.provider == provider and each.simulated for each in live.report.providers)


def _with_fetches(state: State, op: LiveOperation, found: Options) -> Options:
    """Add to each mode the time to bring stored inputs to its box."""
    values = [value for value in held_values(op) if stored_boxes(value.tensors)]
    if not values:
        return found
    extra = {
        name: _fetch_us(state, values, machine.box) for name, machine in state.machines.items()
    }
    modes = tuple(
        Mode(
            machine=mode.machine,
            provider=mode.provider,
            duration_us=mode.duration_us + extra[mode.machine],
            duration_p95_us=mode.p95_us + extra[mode.machine],
            peak_bytes=mode.peak_bytes,
            energy_uj=mode.energy_uj,
            family=mode.family,
            setup_us=mode.setup_us,
        )
        if extra[mode.machine]
        else mode
        for mode in found.modes
    )
    return Options(modes, found.provenance, found.refused)


def _fetch_us(state: State, values: list[Value], box: str) -> int:
    """Time to bring all values to a box: those that lie on one box come together."""
    sizes: dict[str, int] = {}
    for tensor in (tensor for value in values for tensor in value.tensors):
        if tensor.inline is None:
            sizes[tensor.box] = sizes.get(tensor.box, 0) + tensor.size_bytes
    return sum(state.links.transfer_us(source, box, size) for source, size in sizes.items())
