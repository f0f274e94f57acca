"""Senses contention on this box: the load beside the work that is measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from devices.sensing.readings import ROOT, BoxReader, Reading
from scheduler.model.measuring import Load

FRESH_US = 50_000
"""Readings are taken no more often: a thousand operations per second share twenty of them."""
WINDOW_US = 250_000
"""Least time to look back: the kernel counts in ticks of 10 ms, so shorter says little."""
KEPT_US = 5_000_000
"""Longest time to look back."""
# Within two ticks of nothing on a core is nothing: busy time and a process's are rounded apart.
_NOISE_US = 20_000

Workers = Callable[[], Mapping[int, tuple[int, ...]]]


def _nobody() -> Mapping[int, tuple[int, ...]]:
    return {}


class ContentionSensor:
    """Looks at the box when asked; the caller says what time it is.

    A look takes about 0.15 ms with two workers, and the same look serves all who ask within
    `FRESH_US`; those pay about 0.01 ms.

    Parameters
    ----------
    workers
        Our own processes now, and the cores that each is pinned to; none for one that is free.
    root
        Folder that holds ``proc`` and ``sys``.
    """

    def __init__(self, workers: Workers = _nobody, *, root: Path = ROOT) -> None:
        self._workers = workers
        self._box = BoxReader(root)
        self._readings: deque[Reading] = deque()
        self._pinned: dict[int, tuple[int, ...]] = {}
        self._memory = (0.0, 0.0)

    def look(self, at_us: int) -> Reading:
        """Take a reading, unless there is a fresh one; later samples count from it."""
        if not self._readings or at_us - self._readings[-1].at_us >= FRESH_US:
            self._pinned = dict(self._workers())
            self._readings.append(self._box.read(at_us, tuple(self._pinned)))
            self._memory = (self._box.memory_pressure(), self._box.memory_used())
        while len(self._readings) > 2 and self._readings[1].at_us <= at_us - KEPT_US:
            self._readings.popleft()
        return self._readings[-1]

    def sample(self, at_us: int, *, since_us: int | None = None, cores: Iterable[int] = ()) -> Load:
        """The load until now: since then, or of the last `WINDOW_US` if that is longer.

        Parameters
        ----------
        cores
            Those of the machine that it is for; all by default.
        """
        now = self.look(at_us)
        before = self._before(min(since_us or at_us, at_us - WINDOW_US))
        mine = tuple(core for core in cores if core in now.busy_us) or tuple(now.busy_us)
        pressure, used = self._memory
        return Load(
            foreign=self._foreign(before, now),
            contention=self._contention(before, now, mine),
            run_queue=self._run_queue(before),
            memory_pressure=pressure,
            memory_used=used,
            frequency=self._box.frequency(mine),
            throttled=any(
                now.throttles.get(core, 0) > before.throttles.get(core, 0) for core in mine
            ),
        )

    def _before(self, at_us: int) -> Reading:
        """The latest reading up to a moment, or the first there is."""
        earlier = [reading for reading in self._readings if reading.at_us <= at_us]
        return earlier[-1] if earlier else self._readings[0]

    def _foreign(self, before: Reading, now: Reading) -> float:
        ours = sum(_ran(before, now, pid) for pid in now.ours_us)
        busy = sum(_busy(before, now, core) for core in now.busy_us)
        return _ratio(busy - ours, (now.at_us - before.at_us) * len(now.busy_us))

    def _contention(self, before: Reading, now: Reading, cores: tuple[int, ...]) -> float:
        here = [pid for pid in now.ours_us if set(self._pinned.get(pid, ())) & set(cores)]
        ours = sum(_ran(before, now, pid) for pid in here)
        others = sum(_busy(before, now, core) for core in cores) - ours
        left = (now.at_us - before.at_us) * len(cores) - ours
        return _ratio(others, left) if others > _NOISE_US * len(cores) else 0.0

    def _run_queue(self, before: Reading) -> float:
        """Mean over the readings since then."""
        running = [r.running for r in self._readings if r.at_us >= before.at_us]
        return sum(running) / len(running) / max(1, len(self._readings[-1].busy_us))


def _ran(before: Reading, now: Reading, pid: int) -> int:
    return max(0, now.ours_us[pid] - before.ours_us.get(pid, 0))


def _busy(before: Reading, now: Reading, core: int) -> int:
    return max(0, now.busy_us[core] - before.busy_us.get(core, 0))


def _ratio(part_us: int, whole_us: int) -> float:
    return min(1.0, max(0.0, part_us / whole_us)) if whole_us > 0 else 0.0
