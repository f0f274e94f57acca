"""Profiles: measurements of a model on one provider of one machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.model.measuring import Load
from scheduler.model.messages.machines import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """Time of one operator of a model, as the runtime measured it.

    Parameters
    ----------
    name
        Name of the node, or of its output tensor, because runtimes rename nodes that they rewrite.
    kernel_ns
        Time per run of the model, all calls together.
    calls
        Calls per run of the model; more than 1 inside a loop.
    """

    name: str
    op_type: str
    provider: str
    kernel_ns: int
    calls: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Profile of one model on one provider of one machine.

    Parameters
    ----------
    samples_us
        Durations of repeated warm runs, in the order they were made.
    load_us
        Time to make the session, with the excess of its first run.
    peak_bytes, resident_bytes
        Growth of the process at its peak, and after the warm runs; 0 if not measured.
    coverage
        Share of the graph's nodes that landed on the provider, 0 to 1.
    error
        Largest deviation from the CPU's result relative to its range; the canary's figure.
    load
        Load of the box meanwhile; ``None`` if not measured.
    operators
        Time per operator in execution order, if requested; measured in a session of its own.
    operators_note
        Note for readers of the operators, or the reason why there are none.
    at_us
        Time of the report; 0 if unknown.
    expected_us, provenance
        Prediction for the run before it was measured, and its origin; 0 if there was none.
    setup
        Key of the shapes and example values that it was measured with, see `Setup.key`; empty if
        unknown.
    runtime, plug_in
        Versions of ONNX Runtime, and of the package that brings the provider; empty if unknown.
    note
        Remark for users of a usable provider: what it does with special values.
    hides_nan
        Operator that turns a NaN among the inputs into a number, where the CPU keeps it; empty if
        none is known to. Inputs with a NaN are not run there.
    energy_uj
        Energy of the processor packages in one warm run; ``None`` if their counters are unreadable.
    """

    digest: str
    machine: str
    provider: str
    verdict: Verdict
    reason: str = ""
    samples_us: tuple[int, ...] = ()
    load_us: int = 0
    peak_bytes: int = 0
    resident_bytes: int = 0
    coverage: float = 0.0
    error: float = 0.0
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    load: Load | None = None
    operators: tuple[OperatorTime, ...] = ()
    operators_note: str = ""
    at_us: int = 0
    expected_us: int = 0
    provenance: str = ""
    energy_uj: int | None = None
    setup: str = ""
    runtime: str = ""
    plug_in: str = ""
    note: str = ""
    hides_nan: str = ""
