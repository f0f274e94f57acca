"""Links between boxes: assumed, measured, and corrected by transfers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from scheduler.control.records.costs import KnownLink
from scheduler.model.links import LEAST_BYTES_PER_S, LinkMeasured, Transfer, nonsense
from scheduler.model.ports import Provenance

Pair = tuple[str, str]
"""Source and target box."""
_MEASURING_COUNTS = 4
"""A measurement weighs as much as so many transfers: it was made of several."""
_LEAST_WEIGHT = 0.2
"""Of the latest transfer: links change."""
_MOST_STEP = 4.0
"""A single transfer that found the way busy moves a measured figure by this factor at most."""
_LONGEST_US = 3_600_000_000


@dataclass(slots=True)
class LiveLink:
    """One way.

    Parameters
    ----------
    evidence
        Transfers that the figures rest on, a measurement counting as several; 0 if assumed.
    transfers
        Those that operations made.
    note
        The reason that it is not measured, or the measurement that came and was refused.
    """

    latency_us: int
    bytes_per_s: int
    evidence: int = 0
    transfers: int = 0
    observed_us: int | None = None
    note: str = ""

    def time_us(self, size_bytes: int) -> int:
        """Time that so many bytes take."""
        return self.latency_us + size_bytes * 1_000_000 // self.bytes_per_s

    def learn(self, size_bytes: int, duration_us: int) -> None:
        """Move the figure that decided the time of a transfer towards the observed one."""
        flow_us = size_bytes * 1_000_000 / self.bytes_per_s
        weight = max(_LEAST_WEIGHT, 1 / (self.evidence + 1))
        if flow_us >= self.latency_us:
            left_us = max(duration_us - self.latency_us, duration_us / _MOST_STEP)
            moved = self._moved(self.bytes_per_s, size_bytes * 1_000_000 / left_us, weight)
            self.bytes_per_s = max(LEAST_BYTES_PER_S, round(moved))
        else:
            left_us = max(duration_us - flow_us, duration_us / _MOST_STEP)
            self.latency_us = max(1, round(self._moved(self.latency_us, left_us, weight)))
        self.evidence += 1
        self.transfers += 1

    def _moved(self, old: float, new: float, weight: float) -> float:
        if not self.evidence:
            return new
        step = min(_MOST_STEP, max(1 / _MOST_STEP, new / old))
        return float(old * step**weight)


@dataclass(slots=True)
class Links:
    """All ways of a site.

    Parameters
    ----------
    latency_us, bytes_per_s
        Assumed of a way that nobody has measured or used.
    wanted
        Ways to be measured, in order.
    asked
        Ways that are being measured, and since when.
    """

    latency_us: int
    bytes_per_s: int
    ways: dict[Pair, LiveLink] = field(default_factory=dict)
    wanted: dict[Pair, None] = field(default_factory=dict)
    asked: dict[Pair, int] = field(default_factory=dict)

    def between(self, source: str, target: str) -> LiveLink:
        """The figures of a link, known or assumed."""
        return self.ways.get((source, target)) or LiveLink(self.latency_us, self.bytes_per_s)

    def transfer_us(self, source: str, target: str, size_bytes: int) -> int:
        """Time to bring bytes from one box to another, in microseconds.

        Nothing within a box: handing a tensor on is part of the time of its readers and writers.
        """
        return 0 if source == target else self.between(source, target).time_us(size_bytes)

    def measured(self, found: LinkMeasured) -> None:
        """Take in a measurement. Nonsense is refused, and told as the reason to go on assuming."""
        pair = (found.source, found.target)
        self.asked.pop(pair, None)
        wrong = found.error or nonsense(found)
        if wrong:
            self.unmeasured(pair, wrong)
            return
        used = self.ways[pair].transfers if pair in self.ways else 0
        self.ways[pair] = LiveLink(
            found.latency_us, found.bytes_per_s, _MEASURING_COUNTS, used, found.at_us
        )

    def unmeasured(self, pair: Pair, why: str) -> None:
        """Note why a link could not be measured; lessons of transfers still hold."""
        link = self.ways.setdefault(pair, LiveLink(self.latency_us, self.bytes_per_s))
        link.note = why

    def moved(self, target: str, transfers: Iterable[Transfer], at_us: int) -> None:
        """Learn from the transfers of an operation."""
        for each in transfers:
            if each.size_bytes > 0 and 0 < each.duration_us <= _LONGEST_US:
                pair = (each.source, target)
                link = self.ways.setdefault(pair, LiveLink(self.latency_us, self.bytes_per_s))
                link.learn(each.size_bytes, each.duration_us)
                link.observed_us = at_us

    def known(self, boxes: Iterable[str]) -> tuple[KnownLink, ...]:
        """Every way between boxes, and within each that measured its own memory."""
        here = list(boxes)
        pairs = [(a, b) for a in here for b in here if a != b or (a, b) in self.ways]
        return tuple(_known(pair, self.between(*pair)) for pair in pairs)


def _known(pair: Pair, link: LiveLink) -> KnownLink:
    is_seen = link.evidence > 0
    return KnownLink(
        source=pair[0],
        target=pair[1],
        latency_us=link.latency_us,
        bytes_per_s=link.bytes_per_s,
        provenance=(Provenance.MEASURED if is_seen else Provenance.ASSUMED).value,
        transfers=link.transfers,
        observed_us=link.observed_us,
        note=link.note or ("" if is_seen else "nobody has measured or used it"),
    )
