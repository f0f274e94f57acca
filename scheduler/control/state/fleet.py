"""Live machines, agents and models."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from scheduler.control.state.figures.stops import Hold
from scheduler.control.state.spans import MOST_SPANS, Span
from scheduler.model.measuring import Kind
from scheduler.model.messages import (
    MachineReport,
    Release,
    Setup,
    Value,
    not_understood,
)

Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""Input shapes by name, sorted."""
SessionKey = tuple[str, str, Shapes]
"""Digest, provider, and the shapes that it takes where the provider needs them fixed."""


@dataclass(slots=True)
class LiveMachine:
    """A machine as its agent reported it, and how it is doing.

    Parameters
    ----------
    queue
        Attempts sent to it that have not started, in the order of the last message.
    running
        Operation that runs on it; empty if none is known to.
    held
        The hold on it, for which it starts nothing although nothing that counts runs there.
    free_us
        Time at which it became free.
    up_us
        Time at which its worker came up.
    sessions
        Sessions that its worker holds, unused for longest first.
    fill_from_us
        Before this, nothing is measured there that nobody asked for: its share of time is used up.
    spans
        Spans of its latest work, in order.
    has_gaps
        True if something may be to be measured there that nobody asked for.
    """

    report: MachineReport
    agent: str
    box: str
    since_us: int
    is_up: bool = True
    reason: str = ""
    busy_us: int = 0
    running: str = ""
    queue: list[tuple[str, int]] = field(default_factory=list)
    held: Hold | None = None
    free_us: int = 0
    up_us: int = 0
    sessions: dict[SessionKey, None] = field(default_factory=dict)
    fill_from_us: int = 0
    has_gaps: bool = False
    spans: deque[Span] = field(default_factory=lambda: deque(maxlen=MOST_SPANS))


@dataclass(slots=True)
class LiveAgent:
    """An agent, alive or lost.

    Parameters
    ----------
    version
        Of the last plan that was made for it.
    url
        Address at which its box hands out tensors.
    stops
        Attempts that it was told to stop and has not reported.
    releases
        Tensors that it may delete and was not told of yet.
    unloads
        Digests of deleted models whose sessions it may drop and was not told yet.
    release_by_us
        Time by which it is told of releases; ``None`` while there is nothing to tell.
    protocol
        The form of messages that it speaks.
    """

    id: str
    incarnation: str
    box: str
    url: str = ""
    is_alive: bool = True
    is_draining: bool = False
    version: int = 0
    machines: list[str] = field(default_factory=list)
    stops: dict[tuple[str, int], None] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)
    unloads: list[str] = field(default_factory=list)
    release_by_us: int | None = None
    protocol: int = 1

    @property
    def takes_work(self) -> bool:
        """True if it is there, is understood and is not about to leave."""
        return self.is_alive and not self.is_draining and not self.refused

    @property
    def refused(self) -> str:
        """The reason that it gets no work as long as it is this agent; empty if it may get some."""
        return not_understood(f"agent {self.id}", self.protocol)


@dataclass(slots=True)
class LiveModel:
    """A model file and under which names it is known.

    Parameters
    ----------
    shapes, examples
        Shapes and example values that it is measured with, under all names that have no others.
    setups
        Those of names that have others.
    seen
        Number of times that runs gave it each shape.
    counts
        Checksum of the counts of its graph; empty if the log tells of none.
    """

    digest: str
    names: dict[str, None]
    size_bytes: int
    shapes: dict[str, tuple[int, ...]]
    kind: Kind = Kind.UNKNOWN
    seen: dict[Shapes, int] = field(default_factory=dict)
    counts: str = ""
    examples: dict[str, Value] = field(default_factory=dict)
    setups: dict[str, Setup] = field(default_factory=dict)

    @property
    def main(self) -> Setup:
        """The setup of all names that have no other."""
        return Setup(shapes=self.shapes, examples=self.examples)

    def setup(self, name: str) -> Setup:
        """The setup that it is measured with under a name."""
        return self.setups.get(name) or self.main

    def subject(self, setup: Setup) -> str:
        """The key of verdicts on the file with that setup."""
        return self.digest if setup == self.main else f"{self.digest}+{setup.key}"

    def subjects(self) -> dict[str, tuple[str, Setup]]:
        """All setups in use by the key of their verdicts, each with a name that uses it."""
        found: dict[str, tuple[str, Setup]] = {}
        for name in self.names:
            setup = self.setup(name)
            found.setdefault(self.subject(setup), (name, setup))
        return found

    def take(self, name: str, setup: Setup) -> None:
        """Measure with a setup under a name, which may be new."""
        others = [other for other in self.names if other != name and other not in self.setups]
        self.names[name] = None
        self.setups.pop(name, None)
        if not others:
            self.shapes, self.examples = setup.shapes, setup.examples
        elif setup != self.main:
            self.setups[name] = setup

    def forget(self, name: str) -> bool:
        """Forget a name; True if it was one."""
        self.setups.pop(name, None)
        return self.names.pop(name, "unknown") is None
