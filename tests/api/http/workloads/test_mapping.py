from __future__ import annotations

from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from api.http.schemas import WorkloadSpec
from api.http.workloads.mapping import to_workload
from api.http.workloads.targets import Targets
from api.store.catalogue import ModelRecord, TensorInfo
from devices.functions.registry import Function
from fjord import Param, ParamKind, TensorType
from scheduler.control.workload import Take, Workload
from scheduler.model.errors import InvalidWorkload


def _model(name: str, shape: tuple[int | str, ...]) -> ModelRecord:
    return ModelRecord(
        name=name,
        digest="d" * 64,
        size_bytes=1,
        inputs=(TensorInfo(name="x", dtype="float32", shape=shape),),
        outputs=(TensorInfo(name="y.0", dtype="float32", shape=(1, "n")),),
        created_us=0,
    )


def _function(name: str, inputs: dict[str, TensorType], outputs: dict[str, TensorType]) -> Function:
    return Function(
        name=name,
        inputs=inputs,
        outputs=outputs,
        params={"factor": Param(kind=ParamKind.INTEGER, default=2)},
        expected_us=7,
        body=lambda **_: {},
    )


IMAGE = TensorType("uint8", (480, 640, 3))
TENSOR = TensorType("float32", (1, 3, -1, -1))
TARGETS = Targets(
    pieces={},
    models={"det": _model("det", (1, 3, "h", "w")), "flat": _model("flat", (1, 8))},
    functions={
        "decode": _function("decode", {"data": TensorType("uint8", (-1,))}, {"image": IMAGE}),
        "prepare": _function("prepare", {"image": IMAGE}, {"tensor": TENSOR}),
        "split": _function("split", {"image": IMAGE}, {"parts": IMAGE.list_of}),
        "join": _function(
            "join", {"lines": TensorType("float32", None, is_list=True)}, {"all": TENSOR}
        ),
        "pair": _function("pair", {"one": IMAGE, "whole": IMAGE.list_of}, {"tensor": TENSOR}),
    },
)
DECODE = {"name": "decode", "function": "decode", "inputs": {"data": "file"}}
PREPARE = {"name": "prepare", "function": "prepare", "inputs": {"image": "decode.image"}}
SPLIT = {"name": "split", "function": "split", "inputs": {"image": "decode.image"}}
EACH = {
    "name": "each",
    "function": "prepare",
    "for_each": "split.parts",
    "inputs": {"image": "split.parts"},
}
DETECT = {"name": "detect", "model": "det", "inputs": {"x": "prepare.tensor"}}


def _mapped(
    *stages: dict[str, Any], outputs: dict[str, str] | None = None, **fields: Any
) -> Workload:
    body = {
        "name": "w",
        "inputs": {"file": {"dtype": "uint8", "shape": [-1]}},
        "stages": list(stages),
        "outputs": outputs or {"out": "decode.image"},
    }
    return to_workload(WorkloadSpec.model_validate(body | fields), 3, TARGETS)


def test_stages_come_in_topological_order_with_what_they_take() -> None:
    workload = _mapped(DETECT, PREPARE, DECODE, outputs={"boxes": "detect.y.0"})
    assert [stage.name for stage in workload.stages] == ["decode", "prepare", "detect"]
    assert workload.key == "w@3"
    assert workload.outputs == {"boxes": ("detect", "y.0")}
    decode, prepare, detect = workload.stages
    assert (decode.inputs[0].stage, decode.inputs[0].output) == ("", "file")
    assert (prepare.params, prepare.declared_us) == ({"factor": 2}, 7)
    assert (detect.digest, detect.outputs) == ("d" * 64, ("y.0",))
    assert decode.output_bytes == {"image": 480 * 640 * 3}


def test_a_fan_out_takes_items_and_gathers_them_again() -> None:
    second = EACH | {"name": "second", "model": "det", "inputs": {"x": "each.tensor"}}
    del second["function"]
    join = {"name": "join", "function": "join", "inputs": {"lines": "second.y.0"}}
    stages = {
        stage.name: stage
        for stage in _mapped(
            DECODE, SPLIT, EACH, second, join, outputs={"all": "join.all", "each": "each.tensor"}
        ).stages
    }
    assert stages["each"].inputs[0].take is Take.ELEMENT
    assert stages["second"].inputs[0].take is Take.SAME_ITEM
    assert stages["join"].inputs[0].take is Take.GATHER
    assert stages["second"].fan_out == stages["each"].fan_out == "split.parts"
    assert stages["each"].expected_items == 4


def test_the_gathered_output_of_a_fan_out_stands_for_its_list() -> None:
    second = {
        "name": "second",
        "model": "det",
        "for_each": "each.tensor",
        "expected_items": 9,
        "inputs": {"x": "each.tensor"},
    }
    workload = _mapped(DECODE, SPLIT, EACH, second, outputs={"out": "second.y.0"})
    each, last = workload.stages[-2:]
    assert (last.fan_out, last.inputs[0].take) == ("split.parts", Take.SAME_ITEM)
    assert each.expected_items == last.expected_items == 9


def test_a_list_that_the_caller_gives_can_be_fanned_out() -> None:
    listed = {"file": {"dtype": "uint8", "shape": [-1], "is_list": True}}
    stage = DECODE | {"for_each": "file"}
    (decode,) = _mapped(stage, inputs=listed).stages
    assert (decode.fan_out, decode.inputs[0].take) == ("file", Take.ELEMENT)


def test_another_list_stays_whole_inside_a_fan_out() -> None:
    stage = EACH | {"function": "pair", "inputs": {"one": "split.parts", "whole": "more.parts"}}
    more = SPLIT | {"name": "more"}
    workload = _mapped(DECODE, SPLIT, more, stage, outputs={"out": "each.tensor"})
    assert [item.take for item in workload.stages[-1].inputs] == [Take.ELEMENT, Take.WHOLE]


def test_what_is_kept_comes_back_the_same_from_json() -> None:
    workload = _mapped(DECODE, SPLIT, EACH, outputs={"out": "each.tensor"})
    assert msgspec.json.decode(msgspec.json.encode(workload), type=Workload) == workload


BAD_GRAPHS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "cycle": (
        [
            DECODE,
            PREPARE | {"name": "a", "inputs": {"image": "b.parts"}},
            SPLIT | {"name": "b", "inputs": {"image": "a.tensor"}},
        ],
        "stages must not form a cycle; got a -> b -> a",
    ),
    "a stage that needs itself": (
        [DECODE, PREPARE | {"inputs": {"image": "prepare.tensor"}}],
        "stages must not form a cycle; got prepare -> prepare",
    ),
    "two stages of one name": (
        [DECODE, DECODE],
        r"stages\[1\].name must be unique; got 'decode', as stages\[0\]",
    ),
    "unknown model": (
        [DECODE, PREPARE, DETECT | {"model": "dett"}],
        r"stages\[2\].model must name a model that was added; got 'dett' \(there are: det, flat\)",
    ),
    "unknown function": (
        [DECODE | {"function": "nope"}],
        r"stages\[0\].function must name a registered function; got 'nope' \(there are: decode",
    ),
    "unknown stage": (
        [DECODE, PREPARE | {"inputs": {"image": "decoed.image"}}],
        r"stages\[1\].inputs.image must name a stage of the workload; got 'decoed'",
    ),
    "unknown input": (
        [DECODE | {"inputs": {"data": "flie"}}],
        r"stages\[0\].inputs.data must name an input or stage.output; got 'flie'",
    ),
    "unknown output": (
        [DECODE, PREPARE | {"inputs": {"image": "decode.picture"}}],
        r"stages\[1\].inputs.image must name an output of stage 'decode'; got 'picture' "
        r"\(there are: image\)",
    ),
    "input that the target lacks": (
        [DECODE | {"inputs": {"data": "file", "date": "file"}}],
        r"stages\[0\].inputs.date must be an input of 'decode'; got 'date'",
    ),
    "input left out": (
        [DECODE, PREPARE | {"inputs": {}}],
        r"stages\[1\].inputs.image must be given: uint8\[480,640,3\]; got nothing",
    ),
    "wrong type": (
        [DECODE, DETECT | {"inputs": {"x": "decode.image"}}],
        r"stages\[1\].inputs.x must be float32\[1,3,h,w\]; got uint8\[480,640,3\] "
        r"from 'decode.image'",
    ),
    "wrong size": (
        [DECODE, PREPARE, {"name": "f", "model": "flat", "inputs": {"x": "prepare.tensor"}}],
        r"stages\[2\].inputs.x must be float32\[1,8\]; got float32\[1,3,\?,\?\]",
    ),
    "a list for one tensor": (
        [DECODE, SPLIT, PREPARE | {"inputs": {"image": "split.parts"}}],
        r"stages\[2\].inputs.image must be uint8\[480,640,3\]; got list of uint8\[480,640,3\]",
    ),
    "one tensor for a list": (
        [DECODE, SPLIT, EACH | {"for_each": "decode.image"}],
        r"stages\[2\].for_each must name a list; got uint8\[480,640,3\] from 'decode.image'",
    ),
    "nested fan-out": (
        [
            DECODE,
            SPLIT,
            SPLIT | {"name": "in", "for_each": "split.parts", "inputs": {"image": "split.parts"}},
            EACH | {"for_each": "in.parts", "inputs": {"image": "in.parts"}},
        ],
        r"stages\[3\].for_each must not gather lists: nested fan-out is not supported",
    ),
    "model and function": (
        [DECODE | {"model": "det"}],
        r"stages\[0\] must have a model or a function; got both",
    ),
    "neither": (
        [DECODE, {"name": "empty"}],
        r"stages\[1\] must have a model or a function; got neither",
    ),
    "params of a model": (
        [DECODE, PREPARE, DETECT | {"params": {"k": 1}}],
        r"stages\[2\].params must be empty for a model; got \['k'\]",
    ),
    "unknown parameter": ([DECODE | {"params": {"k": 1}}], r"stages\[0\].params.k is no parameter"),
    "wrong parameter": (
        [DECODE | {"params": {"factor": "two"}}],
        r"stages\[0\].params.factor must be an integer; got 'two'",
    ),
}


@pytest.mark.parametrize("case", BAD_GRAPHS)
def test_a_wrong_graph_is_refused_with_place_law_and_what_came(case: str) -> None:
    stages, message = BAD_GRAPHS[case]
    with pytest.raises(InvalidWorkload, match=message) as caught:
        _mapped(*stages)
    assert message.replace("\\", "").startswith(caught.value.field)


def test_an_input_that_nobody_uses_is_refused() -> None:
    extra = {name: {"dtype": "uint8", "shape": [-1]} for name in ("file", "mask")}
    with pytest.raises(InvalidWorkload, match=r"inputs\.mask must be used by a stage"):
        _mapped(DECODE, inputs=extra)


def test_an_output_must_come_from_a_stage() -> None:
    with pytest.raises(InvalidWorkload, match=r"outputs\.out must name stage\.output"):
        _mapped(DECODE, outputs={"out": "file"})


def test_an_input_must_have_a_known_type() -> None:
    with pytest.raises(InvalidWorkload, match=r"inputs\.file\.dtype must be one of .*'float31'"):
        _mapped(DECODE, inputs={"file": {"dtype": "float31"}})


@pytest.mark.parametrize("name", ["", ".hidden", "a.b", "a/b", "a" * 65, "é"])
def test_a_stage_needs_a_plain_name(name: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        _mapped(DECODE | {"name": name})
