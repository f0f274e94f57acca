"""Energy that this box used, where it tells: RAPL of Intel and AMD, NVML of NVIDIA."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from devices.sensing import nvidia
from devices.sensing.readings import ROOT


class EnergyMeter:
    """Sums the counters of the processor packages, and of the card where one is asked, in uJ.

    Parameters
    ----------
    root
        Folder that holds ``sys``.
    card
        Counter of a GPU that works too; ``None`` leaves its idle power out of work elsewhere.
    """

    def __init__(self, root: Path = ROOT, *, card: Callable[[], int | None] | None = None) -> None:
        # Packages only: cores and memory below them (intel-rapl:0:1) are counted in them.
        found = (root / "sys/class/powercap").glob("*-rapl:*")
        self._zones = {zone: _limit(zone) for zone in found if zone.name.count(":") == 1}
        self._card = card

    @classmethod
    def of_lane(cls, lane: str) -> EnergyMeter:
        """The meter of this box for work on a lane of the catalogue."""
        return cls(card=nvidia.energy_uj if lane == "cuda" else None)

    def read_uj(self) -> dict[str, int] | None:
        """Present count of each; ``None`` where it is not told (only root may read packages)."""
        card_uj = self._card() if self._card is not None else None
        told = {"card": card_uj} if card_uj is not None else {}
        with suppress(OSError, ValueError):
            told |= {z.name: int((z / "energy_uj").read_text()) for z in self._zones}
        return told or None

    def used_uj(self, before: dict[str, int] | None) -> int | None:
        """Used since an earlier reading; counters that began anew are followed."""
        now = self.read_uj()
        if now is None or before is None or now.keys() != before.keys():
            return None
        limits = {zone.name: limit for zone, limit in self._zones.items()}
        used = {name: now[name] - before[name] for name in now}
        return sum(u if u >= 0 else u + limits.get(name, 0) for name, u in used.items())


def _limit(zone: Path) -> int:
    try:
        return int((zone / "max_energy_range_uj").read_text())
    except (OSError, ValueError):
        return 0
