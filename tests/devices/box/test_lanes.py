"""Machines made from providers. No two share a core but where their report says so."""

from collections.abc import Sequence

from devices.box.discovery import Discovered, lanes, table
from devices.catalogue import provider
from scheduler.model.messages import MachineReport, ProviderReport, Verdict

GIB = 1024**3


def found(
    name: str, verdict: Verdict = Verdict.USABLE, *, simulated: bool = False, memory_bytes: int = 0
) -> Discovered:
    report = ProviderReport(
        provider=name,
        device_class=provider(name).device_class,
        verdict=verdict,
        reason="" if verdict is Verdict.USABLE else "why",
        simulated=simulated,
    )
    return Discovered(report=report, memory_bytes=memory_bytes)


def cores(machines: Sequence[MachineReport]) -> dict[str, tuple[int, ...]]:
    return {machine.id: machine.cores for machine in machines}


CPUS = [found("cpu"), found("openvino"), found("xnnpack", Verdict.NOT_INSTALLED)]
SIMULATORS = [found("webgpu", simulated=True), found("qnn", simulated=True)]


def test_each_core_is_a_lane_with_all_that_runs_on_cpus() -> None:
    machines = lanes("a", CPUS, (3, 5), functions=("crop",))
    assert cores(machines) == {"a/cpu0": (3,), "a/cpu1": (5,)}
    assert [p.provider for p in machines[0].providers] == ["cpu", "openvino"]
    assert machines[0].functions == ("crop",)
    assert {machine.device for machine in machines} == {"a/cpu"}


def test_a_device_takes_the_last_core_from_the_cpu_lanes() -> None:
    machines = lanes("a", [*CPUS, found("cuda", memory_bytes=80 * GIB)], (0, 1, 2))
    assert cores(machines) == {"a/cpu0": (0,), "a/cpu1": (1,), "a/cuda0": (2,)}
    assert machines[-1].memory_bytes == 80 * GIB
    assert machines[-1].functions == ()


def test_providers_of_one_device_are_one_machine() -> None:
    machines = lanes("a", [*CPUS, found("cuda"), found("tensorrt")], (0, 1))
    assert [p.provider for p in machines[-1].providers] == ["cuda", "tensorrt"]
    assert len(machines) == 2


def test_simulators_get_machines_only_when_asked_for() -> None:
    assert cores(lanes("a", CPUS + SIMULATORS, (0, 1))) == {"a/cpu0": (0,), "a/cpu1": (1,)}


def test_devices_without_a_core_of_their_own_share_one_and_say_so() -> None:
    machines = lanes("a", CPUS + SIMULATORS, (0, 1), simulated=True)
    assert cores(machines) == {"a/cpu0": (0,), "a/webgpu0": (1,), "a/qnn0": (1,)}
    assert machines[1].providers[0].reason == ""
    assert machines[2].providers[0].reason == "shares core 1 with webgpu0"


def test_a_single_core_keeps_its_cpu_lane() -> None:
    machines = lanes("a", [*CPUS, found("cuda")], (0,))
    assert cores(machines) == {"a/cpu0": (0,), "a/cuda0": (0,)}
    assert machines[1].providers[0].reason == "shares core 0 with cpu0"


def test_a_broken_provider_of_the_cpu_is_reported_and_a_broken_device_has_no_machine() -> None:
    broken = [found("cpu"), found("openvino", Verdict.WRONG), found("cuda", Verdict.FAILED)]
    machines = lanes("a", broken, (0,))
    assert cores(machines) == {"a/cpu0": (0,)}
    assert [p.verdict for p in machines[0].providers] == [Verdict.USABLE, Verdict.WRONG]


def test_main_memory_is_shared_out_once() -> None:
    one, two = lanes("a", CPUS, (0,)), lanes("a", CPUS, (0, 1))
    assert two[0].memory_bytes == one[0].memory_bytes // 2


def test_the_table_has_a_line_for_every_provider() -> None:
    everything = CPUS + SIMULATORS
    rows = table(everything, lanes("a", everything, (0, 1), simulated=True))
    assert [row.provider for row in rows] == ["cpu", "openvino", "xnnpack", "webgpu", "qnn"]
    assert (rows[0].machines, rows[0].cores) == (("a/cpu0",), (0,))
    assert (rows[2].machines, rows[2].reason) == ((), "why")
    assert rows[4].reason == "shares core 1 with webgpu0"
