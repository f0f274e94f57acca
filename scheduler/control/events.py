"""Everything that can enter the brain. The log holds these, and state is their fold.

Reports of agents are declared in `scheduler.model.messages`; the rest comes from the API, from the
solver process and from the shell. Every event carries `at_us`, microseconds since the Unix epoch
in the time of the site.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.control.workload import Workload
from scheduler.model.measuring import Kind
from scheduler.model.messages import Report, Value
from scheduler.model.problem import Band
from scheduler.model.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerStarted:
    """A controller took office. The brain sends every agent its whole plan again.

    Parameters
    ----------
    says_again
        True if records may be missing too: the controller before did not say how far it came.
    """

    at_us: int
    epoch: int
    says_again: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAdded:
    """A model was accepted. It is profiled on every machine and provider that may run it.

    Parameters
    ----------
    profile_shapes
        Input shapes to profile with, all dimensions bound.
    examples
        Values of some inputs to profile with, inline. A known name with other shapes or examples
        is measured anew.
    kind
        The kind of work that the model spends its time on, for those that run beside it.
    counts
        SHA-256 of the counts of its graph; empty if that is still to be counted.
    """

    at_us: int
    name: str
    digest: str
    size_bytes: int
    profile_shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    kind: Kind = Kind.UNKNOWN
    counts: str = ""
    examples: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCounted:
    """The graph of a model that is there already was counted: predictions know it from here on.

    Parameters
    ----------
    counts
        SHA-256 of the counts.
    """

    at_us: int
    digest: str
    counts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRemoved:
    """A model was deleted; no workload uses it."""

    at_us: int
    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRequested:
    """Somebody wants a model measured anew, as a run of the least urgent kind.

    Parameters
    ----------
    machines
        Shell patterns over machines; empty for all.
    shapes
        Of every input, all sizes bound; empty for those that the model is always measured with.
    operators
        True to measure each operator too.
    name
        Name of the model, whose example values are taken; empty for the first of its names.
    """

    at_us: int
    run: str
    digest: str
    machines: tuple[str, ...] = ()
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    operators: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadAdded:
    """A workload version was accepted."""

    at_us: int
    workload: Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRemoved:
    """A workload version was deleted. Runs of it that are under way end normally."""

    at_us: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSubmitted:
    """A run was accepted.

    Parameters
    ----------
    workload
        ``name@version``.
    deadline_us, due_us
        Absolute times.
    drop_late
        True if the run fails when the deadline passes; otherwise it goes on, late.
    allow, forbid
        Shell patterns over ``machine`` and ``machine:provider``; empty `allow` allows all.
    """

    at_us: int
    run: str
    workload: str
    inputs: dict[str, Value]
    band: Band = Band.NORMAL
    weight: int = 1
    deadline_us: int | None = None
    due_us: int | None = None
    drop_late: bool = True
    allow: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelled:
    """Somebody wants a run ended, in any state."""

    at_us: int
    run: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsWanted:
    """An API process has calls of a model, or goes on having them: it wants a lease, or more time.

    Parameters
    ----------
    digest
        SHA-256 of the model file in hex.
    box
        Of the process: its calls reach the workers of this box alone.
    band
        The urgency of the calls.
    lanes
        Machines that its calls could keep busy at once.
    """

    at_us: int
    digest: str
    box: str
    band: Band = Band.NORMAL
    lanes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProposed:
    """A solver process answered. The brain re-verifies it against the state of now.

    Parameters
    ----------
    version
        Of the snapshot that the plan was made from.
    bound_us
        Proven lower bound on that snapshot's makespan, ``None`` if there is none.
    """

    at_us: int
    version: int
    solver: str
    schedule: Schedule | None
    bound_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanged:
    """An operator chose another placement policy.

    Parameters
    ----------
    placement
        Name of the heuristic that places at once.
    improve
        True if a solver process may propose better plans.
    """

    at_us: int
    placement: str
    improve: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModelChanged:
    """Predictions stand on another learned model from here on.

    Parameters
    ----------
    digest
        Of the model; empty if there is none any more.
    """

    at_us: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time passed: a wake-up that the brain asked for with `WakeAt` is due."""

    at_us: int


Event = (
    Report
    | ControllerStarted
    | ModelAdded
    | GraphCounted
    | ModelRemoved
    | ProfileRequested
    | WorkloadAdded
    | WorkloadRemoved
    | RunSubmitted
    | RunCancelled
    | CallsWanted
    | PlanProposed
    | PolicyChanged
    | CostModelChanged
    | Tick
)

EVENT_TYPES: dict[str, type] = {event.__name__: event for event in Event.__args__}
"""Class by class name: the values of the type field of a stream entry."""
