"""What measuring a model on one provider of one machine found."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.model.measuring import Load
from scheduler.model.messages.machines import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """What one operator of a model took, as the runtime measured it.

    Parameters
    ----------
    name
        Of the node, or of the tensor that it makes: runtimes rename what they rewrite.
    kernel_ns
        Per run of the model, all its calls together.
    calls
        Per run of the model; more than 1 inside a loop.
    """

    name: str
    op_type: str
    provider: str
    kernel_ns: int
    calls: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a profile measured for one model on one provider of one machine.

    Parameters
    ----------
    samples_us
        Durations of repeated warm runs, in the order they were made.
    load_us
        Time to make the session, with what its first run took longer.
    peak_bytes, resident_bytes
        Growth of the process at most, and what of it stayed after the warm runs; 0 if nobody
        looked.
    coverage
        Share of the graph's nodes that landed on the provider, 0 to 1.
    error
        Largest deviation from the CPU's result relative to its range; the canary's figure.
    load
        What else went on meanwhile; ``None`` if nobody looked.
    operators
        Time per operator in the order they run, where it was asked for; measured in a session of
        its own.
    operators_note
        What a reader of them should know, or why there are none.
    at_us
        When it was told of; 0 if nobody said.
    expected_us, provenance
        What had been predicted for the run, and from where, before it was measured; 0 if nothing.
    energy_uj
        Of the processor packages in one warm run; ``None`` where their counters cannot be read.
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
