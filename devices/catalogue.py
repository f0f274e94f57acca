"""The execution providers that Fjord knows: one row each, plain data, nothing loaded.

ONNX Runtime reports device type CPU for every simulator and is silent about much else, so the facts
that matter for scheduling are written here: our own device class, the machine that a provider is a
lane of, the options that make it compute in float32, and if a running inference can be stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from devices.provider_options import THREADS, check_options
from scheduler.model.errors import UnknownName

CPU_LANE = "cpu"
"""Lane of the providers that run on the CPU's cores, side by side on one machine per core."""
FUNCTIONS = "python"
"""Pseudo-provider of functions, which run in plain Python."""
ONNX_RUNTIME = "onnxruntime"
"""Engine of the rows that are execution providers of ONNX Runtime."""
OPENVINO = "openvino"
"""Engine of the rows that OpenVINO runs by itself."""

# Relative to max |reference|. A float32 provider differs by rounding and fused operators (1e-6 to
# 1e-5 seen); one that computes in float16 by its mantissa of 11 bits over some layers (2e-2 seen).
F32_TOLERANCE = 1e-3
F16_TOLERANCE = 3e-2
# 8 bits of mantissa.
BF16_TOLERANCE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Facts about a computer that rules need.

    Parameters
    ----------
    system, architecture
        As `platform` names them: ``Linux``, ``Darwin``, ``Windows``; ``x86_64``, ``aarch64``, ...
    has_gpu
        True if a graphics driver of the kernel shows a GPU.
    """

    system: str
    architecture: str
    has_gpu: bool


HostRule = Callable[[Host], bool]


def _never(_host: Host) -> bool:
    return False


def _without_gpu(host: Host) -> bool:
    return host.system == "Linux" and not host.has_gpu


def _off_arm(host: Host) -> bool:
    return host.architecture.lower() not in {"aarch64", "arm64"}


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One execution provider.

    Parameters
    ----------
    name, ort_name
        Our short name, and that of its engine.
    package
        Distribution that brings it.
    remedy
        Advice for people where it is missing.
    library
        ``module:function`` that gives the path of the plug-in; empty if it is built into the
        runtime that `package` installs.
    engine
        `ONNX_RUNTIME` or `OPENVINO`: the library that loads and runs models.
    stands_in_for
        Row that drives the same device, and is preferred: this one is tried where that is not
        usable. Empty if there is none.
    reach
        Devices that it is made for, told where it finds none; empty if its name says it.
    device_class
        Our own label: ``cpu``, ``gpu``, ``npu`` or ``dsp``.
    lane
        Providers of one lane share its machines: `CPU_LANE`, or the device's own.
    options, simulator_options
        Provider options; the latter are added on a simulator only. `THREADS` in a value stands for
        the threads of a session.
    precision, tolerance
        Type that it computes in, and largest distance of results from the CPU's, relative to the
        largest.
    terminates
        True if it heeds a request to stop between nodes. Compiling providers of ONNX Runtime own
        the whole graph and run to its end.
    needs_static_shapes
        True if every dimension must be known when the session is made.
    systems
        Operating systems it exists on.
    is_simulated
        Rule that tells if its device on a host is a simulator, whose times say nothing.
    environment, simulator_environment
        Variables to be set before its library loads; the latter on a simulator only.
    needs_software_vulkan
        True if its simulator is Mesa's software Vulkan.

    Raises
    ------
    InvalidInput
        If an option is not among those that are known here: providers take any without a word.
    """

    name: str
    ort_name: str
    package: str
    remedy: str
    device_class: str
    lane: str
    library: str = ""
    engine: str = ONNX_RUNTIME
    stands_in_for: str = ""
    reach: str = ""
    options: Pairs = ()
    simulator_options: Pairs = ()
    precision: str = "f32"
    tolerance: float = F32_TOLERANCE
    terminates: bool = False
    needs_static_shapes: bool = False
    systems: tuple[str, ...] = ("Linux", "Darwin", "Windows")
    is_simulated: HostRule = _never
    environment: Pairs = ()
    simulator_environment: Pairs = ()
    needs_software_vulkan: bool = False

    def __post_init__(self) -> None:
        check_options(self.ort_name, self.options + self.simulator_options)

    @property
    def is_cpu_lane(self) -> bool:
        """True if it shares the lanes of the CPU's cores."""
        return self.lane == CPU_LANE

    def options_on(self, host: Host, threads: int = 1) -> dict[str, str]:
        """Provider options for a host and a session of so many threads."""
        pairs = self.options + (self.simulator_options if self.is_simulated(host) else ())
        return {name: value.replace(THREADS, str(threads)) for name, value in pairs}

    def environment_on(self, host: Host) -> dict[str, str]:
        """Variables that the process needs on a host before the provider's library loads."""
        extra = self.simulator_environment if self.is_simulated(host) else ()
        return dict(self.environment + extra)


# TensorFloat-32 keeps 11 bits of mantissa: off, so that a row that says f32 means it.
_NO_TF32: Pairs = (("NVIDIA_TF32_OVERRIDE", "0"),)


def _openvino(precision: str) -> Pairs:
    config = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": THREADS}
    return (("load_config", json.dumps({"CPU": config})),)


def _openvino_native(precision: str) -> Pairs:
    return (
        ("INFERENCE_PRECISION_HINT", precision),
        ("INFERENCE_NUM_THREADS", THREADS),
        ("NUM_STREAMS", "1"),
        # The worker is pinned already, and its choice of the core is the scheduler's.
        ("ENABLE_CPU_PINNING", "NO"),
        ("CPU_DENORMALS_OPTIMIZATION", "YES"),
    )


_ROWS = (
    Provider(
        name="cpu",
        ort_name="CPUExecutionProvider",
        package="onnxruntime",
        remedy="pip install fjord-scheduler",
        device_class="cpu",
        lane=CPU_LANE,
        terminates=True,
    ),
    Provider(
        name="openvino",
        ort_name="OpenVINOExecutionProvider",
        package="onnxruntime-ep-openvino",
        remedy="pip install 'fjord-scheduler[openvino]'",
        library="onnxruntime_ep_openvino:get_library_path",
        device_class="cpu",
        lane=CPU_LANE,
        reach="devices of Intel",
        # The plug-in ignores `precision` and `num_of_threads`; without this it computes in bf16 on
        # processors that have it, on all cores.
        options=_openvino("f32"),
    ),
    Provider(
        name="openvino-native",
        ort_name="OpenVINO",
        package="openvino",
        remedy="pip install 'fjord-scheduler[openvino-native]'",
        engine=OPENVINO,
        # Both run the same kernels: each model would be measured twice to choose between equals.
        stands_in_for="openvino",
        device_class="cpu",
        lane=CPU_LANE,
        options=_openvino_native("f32"),
        terminates=True,
    ),
    Provider(
        name="xnnpack",
        ort_name="XnnpackExecutionProvider",
        package="onnxruntime",
        remedy="use a build of onnxruntime with XNNPACK",
        device_class="cpu",
        lane=CPU_LANE,
        options=(("intra_op_num_threads", THREADS),),
        terminates=True,
    ),
    Provider(
        name="webgpu",
        ort_name="WebGpuExecutionProvider",
        package="onnxruntime-ep-webgpu",
        remedy="pip install 'fjord-scheduler[webgpu]'",
        library="onnxruntime_ep_webgpu:get_library_path",
        device_class="gpu",
        lane="webgpu",
        terminates=True,
        is_simulated=_without_gpu,
        simulator_environment=(("ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER", "1"),),
        needs_software_vulkan=True,
    ),
    Provider(
        name="qnn",
        ort_name="QNNExecutionProvider",
        package="onnxruntime-qnn",
        remedy="pip install 'fjord-scheduler[qnn]'",
        library="onnxruntime_qnn:get_library_path",
        device_class="npu",
        lane="qnn",
        options=(("backend_type", "htp"),),
        # The simulator's default chip has too little memory to finalise transformers.
        simulator_options=(("soc_model", "57"),),
        precision="f16",
        tolerance=F16_TOLERANCE,
        needs_static_shapes=True,
        systems=("Linux", "Windows"),
        is_simulated=_off_arm,
    ),
    Provider(
        name="cuda",
        ort_name="CUDAExecutionProvider",
        package="onnxruntime-gpu",
        remedy="install onnxruntime-gpu in place of onnxruntime",
        device_class="gpu",
        lane="cuda",
        options=(("device_id", "0"), ("use_tf32", "0")),
        terminates=True,
        systems=("Linux", "Windows"),
        environment=_NO_TF32,
    ),
    Provider(
        name="tensorrt",
        ort_name="TensorrtExecutionProvider",
        package="onnxruntime-gpu",
        remedy="install onnxruntime-gpu in place of onnxruntime, and tensorrt",
        device_class="gpu",
        # One GPU, one machine: a lane runs one operation at a time, whichever provider drives it.
        lane="cuda",
        options=(("device_id", "0"),),
        systems=("Linux", "Windows"),
        environment=_NO_TF32,
    ),
    Provider(
        name="coreml",
        ort_name="CoreMLExecutionProvider",
        package="onnxruntime",
        remedy="pip install fjord-scheduler",
        device_class="npu",
        lane="coreml",
        options=(("ModelFormat", "MLProgram"), ("MLComputeUnits", "ALL")),
        precision="f16",
        tolerance=F16_TOLERANCE,
        systems=("Darwin",),
    ),
    Provider(
        name="directml",
        ort_name="DmlExecutionProvider",
        package="onnxruntime-directml",
        remedy="install onnxruntime-directml in place of onnxruntime",
        device_class="gpu",
        lane="directml",
        options=(("device_id", "0"),),
        systems=("Windows",),
    ),
)

CATALOGUE: Mapping[str, Provider] = MappingProxyType({row.name: row for row in _ROWS})
"""Short name to row, in the order in which discovery shows them."""


REDUCED: Mapping[str, Provider] = MappingProxyType(
    {
        "openvino-bf16": replace(
            CATALOGUE["openvino"],
            name="openvino-bf16",
            options=_openvino("bf16"),
            precision="bf16",
            tolerance=BF16_TOLERANCE,
        )
    }
)
"""Rows that trade accuracy for speed where the catalogue's do not. They are known by name and
measured, but never offered by discovery: that trade is not ours to make."""


def provider(name: str) -> Provider:
    """The row of that short name.

    Raises
    ------
    UnknownName
        If there is none; the message lists the choices.
    """
    row = CATALOGUE.get(name) or REDUCED.get(name)
    if row is None:
        raise UnknownName(f"provider must be one of {', '.join(CATALOGUE)}; got {name!r}")
    return row
