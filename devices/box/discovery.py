"""Providers that this computer can really use: each of the catalogue is tried, none is believed.

Each installed provider runs a small model in a process of its own and is compared with the CPU
there. From those that pass come the machines: one lane per core for the providers that run on the
CPU, and a machine for each other device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from devices.box.fingerprint import fingerprint
from devices.box.host import memory_bytes, this_host, usable_cores
from devices.box.packages import RUNTIMES, first_version, missing, version
from devices.box.peak_cache import PeakCache
from devices.box.probing import probe_in_child
from devices.catalogue import CATALOGUE, Provider, provider
from devices.sensing import nvidia
from scheduler.model.measuring import Peaks
from scheduler.model.messages import MachineReport, ProviderReport, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """A row of the catalogue, as found here.

    Parameters
    ----------
    memory_bytes
        Memory of the device itself; 0 if it uses the computer's, or does not tell.
    coverage, error, run_us
        Of the small model that proved it; 0 where nothing ran.
    peaks
        Its highest speeds; ``None`` if they were not measured, as a simulator's never are.
    """

    report: ProviderReport
    memory_bytes: int = 0
    coverage: float = 0.0
    error: float = 0.0
    run_us: int = 0
    peaks: Peaks | None = None

    @property
    def row(self) -> Provider:
        """The provider's row of the catalogue."""
        return provider(self.report.provider)

    @property
    def is_usable(self) -> bool:
        """True if it ran the small model and was right."""
        return self.report.verdict is Verdict.USABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A line of the table of devices: one provider, and the machines that offer it."""

    provider: str
    device_class: str
    simulated: bool
    version: str
    machines: tuple[str, ...]
    cores: tuple[int, ...]
    memory_bytes: int
    verdict: Verdict
    reason: str
    terminates: bool


def discover(
    simulated: bool,
    *,
    rows: Iterable[Provider] | None = None,
    cache: PeakCache | None = None,
) -> list[Discovered]:
    """Try every provider, side by side, and report on each.

    Parameters
    ----------
    simulated
        True to try simulators, too; otherwise they are listed without being run.
    rows
        The providers to try; all by default.
    cache
        Store of peaks; missing ones are measured. Without it, peaks are left out.
    """
    chosen = list(CATALOGUE.values() if rows is None else rows)
    with ThreadPoolExecutor(max_workers=max(1, len(usable_cores()))) as pool:

        def tried(rows: Iterable[Provider]) -> dict[str, Discovered]:
            found = pool.map(lambda row: _discover(row, simulated, cache), rows)
            return {item.report.provider: item for item in found}

        found = tried(row for row in chosen if not row.stands_in_for)
        stand_ins = [row for row in chosen if row.stands_in_for]
        spared = {row.name: _not_needed(row) for row in stand_ins if _is_usable(row, found)}
        found |= spared | tried(row for row in stand_ins if row.name not in spared)
    for row in stand_ins:
        found |= _told_of(found[row.name], found.get(row.stands_in_for))
    return [found[row.name] for row in chosen]


def _is_usable(stand_in: Provider, found: Mapping[str, Discovered]) -> bool:
    """True if the provider that it would stand in for is usable."""
    original = found.get(stand_in.stands_in_for)
    return original is not None and original.is_usable


def _not_needed(row: Provider) -> Discovered:
    reason = f"{row.stands_in_for} drives the same device"
    return Discovered(report=replace(_blank(row), verdict=Verdict.NOT_NEEDED, reason=reason))


def _told_of(stand_in: Discovered, original: Discovered | None) -> dict[str, Discovered]:
    """The original that finds no device, with a word on the provider that may stand in for it."""
    if original is None or original.report.verdict is not Verdict.NO_DEVICE:
        return {}
    name, reason = stand_in.report.provider, original.report.reason
    if stand_in.is_usable:
        reason = f"{reason}; {name} stands in for it"
    elif stand_in.report.verdict is Verdict.NOT_INSTALLED:
        reason = f"{reason}; {name} would stand in for it: {stand_in.row.remedy}"
    told = replace(original, report=replace(original.report, reason=reason))
    return {original.report.provider: told}


def _blank(row: Provider) -> ProviderReport:
    return ProviderReport(
        provider=row.name,
        device_class=row.device_class,
        verdict=Verdict.NOT_INSTALLED,
        version=version(row),
        simulated=row.is_simulated(this_host()),
        terminates=row.terminates,
        static_shapes=row.needs_static_shapes,
        fingerprint=fingerprint(row),
        runtime=first_version(RUNTIMES),
    )


def _discover(row: Provider, simulated: bool, cache: PeakCache | None) -> Discovered:
    blank = _blank(row)
    reason = missing(row, this_host())
    if reason:
        return Discovered(report=replace(blank, reason=reason))
    if blank.simulated and not simulated:
        reason = "there is only a simulator here; --simulated uses it"
        return Discovered(report=replace(blank, verdict=Verdict.NO_DEVICE, reason=reason))
    return _proven(row, blank, None if blank.simulated else cache)


def _proven(row: Provider, blank: ProviderReport, cache: PeakCache | None) -> Discovered:
    known = cache.get(row) if cache is not None else None
    lock = cache.lock if cache is not None and known is None else None
    found, measured = probe_in_child(row, lock=lock)
    if cache is not None and measured is not None:
        cache.put(row, measured)
    return Discovered(
        report=replace(blank, verdict=found.verdict, reason=found.reason),
        memory_bytes=nvidia.memory_bytes() if row.lane == "cuda" else 0,
        coverage=found.coverage,
        error=found.error,
        run_us=min(found.samples_us, default=0),
        peaks=measured or known,
    )


def lanes(
    agent: str,
    discovered: Sequence[Discovered],
    cores: Sequence[int],
    *,
    simulated: bool = False,
    functions: tuple[str, ...] = (),
) -> list[MachineReport]:
    """The machines of an agent: a lane per core, and one machine per other device.

    A device's worker computes on a core as well (a simulator all the time), and two workers on one
    core would slow each other in ways that no prediction knows. So each device takes a core away
    from the CPU lanes, the last one first, as long as a CPU lane remains. Devices beyond that share
    the core of the device before them; their report says so.

    Parameters
    ----------
    cores
        Numbers of the cores that the agent may use; at least one.
    simulated
        True if simulators get machines.
    functions
        Names of the functions that the CPU lanes can run.
    """
    devices = _devices(discovered, simulated)
    left = list(cores)
    machines: list[MachineReport] = []
    taken: list[tuple[int, str]] = []
    for lane, offers in devices.items():
        core, shared = _take_core(left, taken)
        taken.append((core, f"{lane}0"))
        machines.append(_device_machine(agent, lane, core, offers, shared))
    share = memory_bytes() // (len(left) + len(machines))
    on_cpu = [found for found in discovered if _belongs_to_cpu(found)]
    return [
        MachineReport(
            id=f"{agent}/cpu{index}",
            device=f"{agent}/cpu",
            device_class="cpu",
            cores=(core,),
            memory_bytes=share,
            providers=tuple(found.report for found in on_cpu),
            functions=functions,
            peaks=_peaks(on_cpu),
        )
        for index, core in enumerate(left)
    ] + [replace(machine, memory_bytes=machine.memory_bytes or share) for machine in machines]


def _devices(discovered: Sequence[Discovered], simulated: bool) -> dict[str, list[Discovered]]:
    """Usable providers other than the CPU's, by the device that they drive."""
    devices: dict[str, list[Discovered]] = {}
    for found in discovered:
        allowed = simulated or not found.report.simulated
        if found.is_usable and allowed and not found.row.is_cpu_lane:
            devices.setdefault(found.row.lane, []).append(found)
    return devices


def _belongs_to_cpu(found: Discovered) -> bool:
    absent = {Verdict.NOT_INSTALLED, Verdict.NOT_NEEDED}
    return found.row.is_cpu_lane and found.report.verdict not in absent


def _take_core(left: list[int], taken: list[tuple[int, str]]) -> tuple[int, str]:
    """A core for a device, and the machine that it shares it with; empty if there is none."""
    if len(left) > 1:
        return left.pop(), ""
    return taken[-1] if taken else (left[0], "cpu0")


def _device_machine(
    agent: str, lane: str, core: int, offers: list[Discovered], shared: str
) -> MachineReport:
    reason = f"shares core {core} with {shared}" if shared else ""
    return MachineReport(
        id=f"{agent}/{lane}0",
        device=f"{agent}/{lane}",
        device_class=offers[0].report.device_class,
        cores=(core,),
        memory_bytes=max(found.memory_bytes for found in offers),
        providers=tuple(replace(found.report, reason=reason) for found in offers),
        peaks=_peaks(offers),
    )


def _peaks(discovered: Iterable[Discovered]) -> tuple[Peaks, ...]:
    return tuple(found.peaks for found in discovered if found.is_usable and found.peaks)


def table(discovered: Sequence[Discovered], machines: Sequence[MachineReport]) -> list[DeviceRow]:
    """One line per provider of the catalogue, usable or not."""
    return [_device_row(found, machines) for found in discovered]


def _device_row(found: Discovered, machines: Sequence[MachineReport]) -> DeviceRow:
    report = found.report
    on = [m for m in machines if any(p.provider == report.provider for p in m.providers)]
    shared = {p.reason for m in on for p in m.providers if p.provider == report.provider}
    return DeviceRow(
        provider=report.provider,
        device_class=report.device_class,
        simulated=report.simulated,
        version=report.version,
        machines=tuple(machine.id for machine in on),
        cores=tuple(sorted({core for machine in on for core in machine.cores})),
        memory_bytes=sum(machine.memory_bytes for machine in on),
        verdict=report.verdict,
        reason=report.reason or "; ".join(sorted(shared - {""})),
        terminates=report.terminates,
    )
