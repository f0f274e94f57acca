"""Messages of the protocol, as classes made from their published definition.

They have a pool of their own: in the common one they would clash with those of a client in the same
process.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"

_PARAMETERS = "map InferParameter parameters"
_TENSOR = "string name=1; string datatype=2; repeated int64 shape=3"
_NAMED = "string name=1; string version=2"
_DURATION = "uint64 count=1; uint64 ns=2"
DEFINITIONS = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live=1",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready=1",
    "ModelReadyRequest": _NAMED,
    "ModelReadyResponse": "bool ready=1",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": f"{_NAMED}; repeated string extensions=3",
    "ModelMetadataRequest": _NAMED,
    "TensorMetadata": _TENSOR,
    "ModelMetadataResponse": (
        "string name=1; repeated string versions=2; string platform=3; "
        "repeated TensorMetadata inputs=4; "
        "repeated TensorMetadata outputs=5"
    ),
    "InferParameter": (
        "oneof bool bool_param=1; oneof int64 int64_param=2; oneof string string_param=3; "
        "oneof double double_param=4; oneof uint64 uint64_param=5"
    ),
    "InferTensorContents": (
        "repeated bool bool_contents=1; repeated int32 int_contents=2; "
        "repeated int64 int64_contents=3; repeated uint32 uint_contents=4; "
        "repeated uint64 uint64_contents=5; repeated float fp32_contents=6; "
        "repeated double fp64_contents=7; repeated bytes bytes_contents=8"
    ),
    "InferInputTensor": (f"{_TENSOR}; {_PARAMETERS}=4; InferTensorContents contents=5"),
    "InferRequestedOutputTensor": f"string name=1; {_PARAMETERS}=2",
    "ModelInferRequest": (
        f"string model_name=1; string model_version=2; string id=3; {_PARAMETERS}=4; "
        "repeated InferInputTensor inputs=5; "
        "repeated InferRequestedOutputTensor outputs=6; "
        "repeated bytes raw_input_contents=7"
    ),
    "InferOutputTensor": (f"{_TENSOR}; {_PARAMETERS}=4; InferTensorContents contents=5"),
    "ModelInferResponse": (
        f"string model_name=1; string model_version=2; string id=3; {_PARAMETERS}=4; "
        "repeated InferOutputTensor outputs=5; "
        "repeated bytes raw_output_contents=6"
    ),
    "ModelStreamInferResponse": "string error_message=1; ModelInferResponse infer_response=2",
    "RepositoryIndexRequest": "string repository_name=1; bool ready=2",
    "ModelIndex": f"{_NAMED}; string state=3; string reason=4",
    "RepositoryIndexResponse": "repeated ModelIndex models=1",
    "ModelStatisticsRequest": _NAMED,
    "StatisticDuration": _DURATION,
    "InferStatistics": (
        "StatisticDuration success=1; StatisticDuration fail=2; StatisticDuration queue=3; "
        "StatisticDuration compute_input=4; StatisticDuration compute_infer=5; "
        "StatisticDuration compute_output=6; StatisticDuration cache_hit=7; "
        "StatisticDuration cache_miss=8"
    ),
    "ModelStatistics": (
        f"{_NAMED}; uint64 last_inference=3; uint64 inference_count=4; "
        "uint64 execution_count=5; InferStatistics inference_stats=6"
    ),
    "ModelStatisticsResponse": "repeated ModelStatistics model_stats=1",
}
"""Fields of each message: type, name and number. One of those marked ``oneof`` is set; ``map`` goes
from text to the type.
"""


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="open_inference.proto", package=PACKAGE, syntax="proto3")
    for name, fields in DEFINITIONS.items():
        message = file.message_type.add(name=name)
        for text in filter(None, fields.split("; ")):
            _add(message, text)
    return file


def _add(message: DescriptorProto, text: str) -> None:
    """Add a field to a message, as the definitions say it."""
    said, number = text.split("=")
    *kind, of, name = said.split()
    field = message.field.add(name=name, number=int(number), label=Field.LABEL_OPTIONAL)
    if kind == ["map"]:
        entry = message.nested_type.add(name=f"{name.title()}Entry", options={"map_entry": True})
        _add(entry, "string key=1")
        _add(entry, f"{of} value=2")
        of = f"{message.name}.{entry.name}"
    if kind == ["oneof"]:
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0
    elif kind:
        field.label = Field.LABEL_REPEATED
    if of in _SCALARS:
        field.type = _SCALARS[of]
    else:
        field.type, field.type_name = Field.TYPE_MESSAGE, f".{PACKAGE}.{of}"


_SCALARS = {name.removeprefix("TYPE_").lower(): kind for name, kind in Field.Type.items()}
_POOL = DescriptorPool()
_POOL.Add(_file())


def message_class(name: str) -> Any:
    """The class of a message of the protocol."""
    return GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))
