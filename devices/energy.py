"""Energy that the processors of this box used, where they tell (RAPL of Intel and AMD)."""

from __future__ import annotations

from pathlib import Path

from devices.readings import ROOT


class EnergyMeter:
    """Sums what the processor packages count; in microjoules.

    Parameters
    ----------
    root
        Folder that holds ``sys``.
    """

    def __init__(self, root: Path = ROOT) -> None:
        # Packages only: cores and memory below them (intel-rapl:0:1) are counted in them.
        found = (root / "sys/class/powercap").glob("*-rapl:*")
        self._zones = {zone: _limit(zone) for zone in found if zone.name.count(":") == 1}

    def read_uj(self) -> dict[str, int] | None:
        """What each package counts now; ``None`` where it is not told (only root may read it)."""
        try:
            return {z.name: int((z / "energy_uj").read_text()) for z in self._zones} or None
        except (OSError, ValueError):
            return None

    def used_uj(self, before: dict[str, int] | None) -> int | None:
        """Used since an earlier reading; counters that began anew are followed."""
        now = self.read_uj()
        if now is None or before is None or now.keys() != before.keys():
            return None
        limits = {zone.name: limit for zone, limit in self._zones.items()}
        used = {name: now[name] - before[name] for name in now}
        return sum(u if u >= 0 else u + limits[name] for name, u in used.items())


def _limit(zone: Path) -> int:
    try:
        return int((zone / "max_energy_range_uj").read_text())
    except (OSError, ValueError):
        return 0
