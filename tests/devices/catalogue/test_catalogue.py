"""The catalogue is plain data that loads nothing, and its rules know a simulator."""

import subprocess
import sys
from dataclasses import replace

import pytest

from devices.catalogue import CATALOGUE, F16_TOLERANCE, F32_TOLERANCE, Host, Provider, provider
from scheduler.model.errors import InvalidInput, UnknownName

PC = Host(system="Linux", architecture="x86_64", has_gpu=False)
PC_WITH_GPU = Host(system="Linux", architecture="x86_64", has_gpu=True)
BOARD = Host(system="Linux", architecture="aarch64", has_gpu=True)


def test_the_catalogue_has_the_ten_providers() -> None:
    names = "cpu openvino openvino-native xnnpack webgpu qnn cuda tensorrt coreml directml"
    assert list(CATALOGUE) == names.split()


def test_no_two_rows_share_a_name_of_their_engine() -> None:
    names = [row.ort_name for row in CATALOGUE.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: row.name)
def test_tolerance_follows_precision(row: Provider) -> None:
    assert row.tolerance == {"f32": F32_TOLERANCE, "f16": F16_TOLERANCE}[row.precision]


def test_reading_the_catalogue_loads_no_runtime() -> None:
    engines = "{'onnxruntime', 'openvino'}"
    code = f"import devices.catalogue, sys; sys.exit(not {engines}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_provider_is_answered_with_the_choices() -> None:
    with pytest.raises(UnknownName, match=r"must be one of cpu, openvino, .*; got 'cudnn'"):
        provider("cudnn")


@pytest.mark.parametrize(
    ("name", "host", "simulated"),
    [
        ("qnn", PC, True),
        ("qnn", BOARD, False),
        ("webgpu", PC, True),
        ("webgpu", PC_WITH_GPU, False),
        ("cpu", PC, False),
        ("cuda", PC, False),
    ],
)
def test_simulators_are_told_from_devices(name: str, host: Host, simulated: bool) -> None:
    assert provider(name).is_simulated(host) is simulated


def test_only_a_simulator_gets_the_options_and_variables_of_a_simulator() -> None:
    assert provider("qnn").options_on(PC) == {"backend_type": "htp", "soc_model": "57"}
    assert provider("qnn").options_on(BOARD) == {"backend_type": "htp"}
    variable = "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER"
    assert variable in provider("webgpu").environment_on(PC)
    assert variable not in provider("webgpu").environment_on(PC_WITH_GPU)


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: row.name)
def test_a_row_stands_in_for_one_of_the_same_lane(row: Provider) -> None:
    if row.stands_in_for:
        original = provider(row.stands_in_for)
        assert (original.lane, original.device_class) == (row.lane, row.device_class)
        assert not original.stands_in_for


def test_openvino_is_told_to_compute_in_float32() -> None:
    assert '"INFERENCE_PRECISION_HINT": "f32"' in provider("openvino").options_on(PC)["load_config"]
    assert provider("openvino-native").options_on(PC)["INFERENCE_PRECISION_HINT"] == "f32"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("qnn", (("foo", "bar"),), "options of QNNExecutionProvider must be among .*; got 'foo'"),
        ("qnn", (("backend_type", "saver"),), "option backend_type of .* must be htp; got 'saver'"),
        ("qnn", (("soc_model", "9999"),), "must be 57; got '9999'"),
        ("cuda", (("use_tf32", "no"),), "must be 0|1; got 'no'"),
        (
            "openvino",
            (("load_config", '{"CPU": {"INFERENCE_PRECISION": "f32"}}'),),
            "got 'load_config.CPU.INFERENCE_PRECISION'",
        ),
    ],
)
def test_an_option_that_a_provider_would_swallow_is_refused(
    name: str, options: tuple[tuple[str, str], ...], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        replace(provider(name), options=options)
