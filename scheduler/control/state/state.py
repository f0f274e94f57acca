"""All that the brain remembers: the fold of the event log, and the scratch pad of one event.

Only data and look-ups. Every collection keeps insertion order, so that the same log always gives
the same commands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.control.commands import Command
from scheduler.control.records import Inversion, ReplanReason
from scheduler.control.settings import BrainSettings
from scheduler.control.state.arrivals import Arrivals
from scheduler.control.state.figures.accuracy import Accuracy
from scheduler.control.state.figures.links import Links
from scheduler.control.state.figures.stops import Allowance, Stops
from scheduler.control.state.fleet import LiveAgent, LiveMachine, LiveModel, Shapes
from scheduler.control.state.index import Index
from scheduler.control.state.leases import Leases
from scheduler.control.state.operations import LiveOperation, LiveRun, Options, OptionsKey
from scheduler.control.state.plan import LivePlan, PlanRequest
from scheduler.control.state.suspicions import Suspicions
from scheduler.control.workload import Workload
from scheduler.model.links import LinkAsk
from scheduler.model.measuring import Load
from scheduler.model.messages import Profile, Release
from scheduler.model.ports import DurationOracle, Solver
from scheduler.model.problem import Band

MOST_INVERSIONS = 20
"""A view shows so many of the latest."""


@dataclass(slots=True)
class Ageing:
    """Runs that count as more urgent because they have waited long.

    Parameters
    ----------
    due_us
        Time to look next; ``None`` while nothing is known to wait.
    raised, raised_us
        By the band that it was submitted with: the run, and when the last one was raised.
    """

    due_us: int | None = None
    raised: dict[Band, str] = field(default_factory=dict)
    raised_us: dict[Band, int] = field(default_factory=dict)


@dataclass(slots=True)
class Turn:
    """All that the handling of one event has found to do.

    Parameters
    ----------
    reasons
        Reasons for which all pending work is to be planned again; nothing is if there are none.
    submitted
        A run that has come and is to be planned, if it need not wait for others to be planned.
    replanned
        True if that has happened: windows are filled to the brim then.
    runs
        Runs whose record changed.
    stops
        Attempts that agents are to be told to stop, per agent.
    resend
        Agents that need their plan again although its queues are the same.
    measure
        Ways between boxes that agents are to measure.
    """

    reasons: dict[ReplanReason, None] = field(default_factory=dict)
    submitted: LiveRun | None = None
    replanned: bool = False
    runs: dict[str, None] = field(default_factory=dict)
    stops: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    resend: dict[str, None] = field(default_factory=dict)
    measure: dict[str, list[LinkAsk]] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)

    @property
    def replan(self) -> bool:
        """True if all pending work must be planned again."""
        return bool(self.reasons)

    def plan_again(self, why: ReplanReason) -> None:
        """Have all pending work planned again at the end of the turn."""
        self.reasons[why] = None


@dataclass(slots=True)
class State:
    """All of it.

    Parameters
    ----------
    now_us
        The latest time that an event carried.
    active, index
        The runs that have not ended, and all that is derived from them.
    profiles
        By digest, machine and provider.
    foreseen, load_keys
        The load that is expected of each machine, and numbers that stand for these loads.
    loads_seen
        The number of each load that was ever expected.
    sensed
        Latest load that the agent of each machine saw, and the time of that.
    accuracy
        Accuracy of the predictions so far.
    items_seen
        By workload and fan-out: sum of the lengths of the lists that were there, and how many.
    kept_operations
        Number of operations of the ended runs that are remembered.
    options
        Options of kinds of work, until something changes them.
    answered_version
        Version of the plan that the solver process has nothing more to say about.
    ask_from_us
        Time from which it may be asked again.
    arrivals
        By workload and band, when its last runs came.
    deadlines
        Heap of (time, sequence, run) at which a run is dropped.
    critical_boxes
        Boxes where a critical run has work; kept up to date while something is to be measured.
    measured_at
        By digest, machine and provider: when which shapes were last measured, with or without
        success.
    profile_runs
        Number of times that each id of a profile run was taken.
    retried
        Operations that failed by their own fault and may be tried elsewhere.
    blocked_runs
        Runs with an operation that can run nowhere now, with the reason that was last told.
    hopeless
        Runs that no machine can take, each since when; see `runs.hopeless`.
    began_us, inversions
        Latest start of something of each band, and the latest inversions.
    wake_us
        Time for which the shell was last asked to send a `Tick`.
    leases
        Leases of capacity for calls.
    allowance
        Work that may be thrown away for more urgent work.
    """

    oracle: DurationOracle
    solvers: Mapping[str, Solver]
    settings: BrainSettings
    now_us: int = 0
    epoch: int = 0
    placement: str = ""
    improve: bool = True
    sequence: int = 0
    agents: dict[str, LiveAgent] = field(default_factory=dict)
    machines: dict[str, LiveMachine] = field(default_factory=dict)
    models: dict[str, LiveModel] = field(default_factory=dict)
    workloads: dict[str, Workload] = field(default_factory=dict)
    runs: dict[str, LiveRun] = field(default_factory=dict)
    active: dict[str, LiveRun] = field(default_factory=dict)
    index: Index = field(default_factory=Index)
    operations: dict[str, LiveOperation] = field(default_factory=dict)
    profiles: dict[tuple[str, str, str], Profile] = field(default_factory=dict)
    items_seen: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    options: dict[OptionsKey, Options] = field(default_factory=dict)
    foreseen: dict[str, Load] = field(default_factory=dict)
    load_keys: tuple[int, ...] = ()
    loads_seen: dict[Load, int] = field(default_factory=dict)
    sensed: dict[str, tuple[int, Load]] = field(default_factory=dict)
    accuracy: Accuracy = field(default_factory=Accuracy)
    plan: LivePlan = field(default_factory=LivePlan)
    request: PlanRequest | None = None
    answered_version: int = -1
    ask_from_us: int = 0
    deadlines: list[tuple[int, int, str]] = field(default_factory=list)
    ended: deque[str] = field(default_factory=deque)
    kept_operations: int = 0
    retried: dict[str, None] = field(default_factory=dict)
    blocked_runs: dict[str, str] = field(default_factory=dict)
    hopeless: dict[str, int] = field(default_factory=dict)
    profile_runs: dict[str, int] = field(default_factory=dict)
    critical_boxes: frozenset[str] = frozenset()
    measured_at: dict[tuple[str, str, str], dict[Shapes, int]] = field(default_factory=dict)
    ended_operations: deque[LiveOperation] = field(default_factory=lambda: deque(maxlen=600))
    forgotten: deque[Release] = field(default_factory=lambda: deque(maxlen=100))
    arrivals: dict[tuple[str, Band], Arrivals] = field(default_factory=dict)
    began_us: dict[Band, int] = field(default_factory=dict)
    inversions: deque[Inversion] = field(default_factory=lambda: deque(maxlen=MOST_INVERSIONS))
    wake_us: int | None = None
    origin_us: int = 0
    last_end_us: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    stops: Stops = field(default_factory=Stops)
    credit_us: int = 200_000
    allowance: Allowance = field(default_factory=Allowance)
    ageing: Ageing = field(default_factory=Ageing)
    suspicions: Suspicions = field(default_factory=Suspicions)
    leases: Leases = field(default_factory=Leases)
    links: Links = field(init=False)

    def __post_init__(self) -> None:
        self.links = Links(self.settings.latency_us, self.settings.bandwidth_bytes_per_s)

    def count(self, counter: str, by: int = 1) -> None:
        """Add to a counter of the view."""
        self.counters[counter] = self.counters.get(counter, 0) + by

    def living_boxes(self) -> dict[str, None]:
        """Boxes that have an agent which is alive."""
        return {agent.box: None for agent in self.agents.values() if agent.is_alive}

    def versions(self, machine: str, provider: str) -> tuple[str, str]:
        """Versions of ONNX Runtime and of a provider's package on a machine; empty if unknown."""
        live = self.machines.get(machine)
        return live.report.versions(provider) if live is not None else ("", "")

    def agent_of(self, machine: str) -> LiveAgent:
        """The agent that a machine belongs to."""
        return self.agents[self.machines[machine].agent]
