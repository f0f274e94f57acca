"""Models as they are answered: with their verdicts, and with what was taken where nobody said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from api.http.answers import ModelAnswer
from api.http.body.values import to_json
from api.http.models.setups import setup_of
from api.store.catalogue import ModelRecord, OpenSize
from devices.tensors.encoding import decoded
from scheduler.model.messages import Profile, Value


def model_answer(record: ModelRecord, profiles: Sequence[Profile]) -> ModelAnswer:
    """Put the verdicts on a model beside it, and say what it is measured with."""
    return ModelAnswer(
        name=record.name,
        digest=record.digest,
        size_bytes=record.size_bytes,
        inputs=msgspec.to_builtins(record.inputs),
        outputs=msgspec.to_builtins(record.outputs),
        created_us=record.created_us,
        profile_shapes={name: list(shape) for name, shape in record.profile_shapes.items()},
        profile_inputs={name: _shown(value) for name, value in record.examples.items()},
        assumed=msgspec.to_builtins(record.assumed),
        notes=list(_notes(record)),
        profiles=verdicts_on(record, profiles),
        partitions=list(record.partitions),
    )


def verdicts_on(record: ModelRecord, profiles: Sequence[Profile]) -> list[Profile]:
    """The profiles of a model's file that were measured with its setup."""
    # A profile from before setups had keys counts for the shapes that the model had then.
    keys = ("", setup_of(record).key)
    return [each for each in profiles if each.digest == record.digest and each.setup in keys]


def _shown(value: Value) -> dict[str, object]:
    (tensor,) = value.tensors
    assert tensor.inline is not None
    return to_json(decoded(tensor, tensor.inline))


def _notes(record: ModelRecord) -> Iterator[str]:
    if record.assumed:
        taken = ", ".join(_said(each) for each in record.assumed)
        yield (
            f"the file leaves sizes open; taken were {taken}: "
            f"give the sizes that you use, such as {_shape_option(record)}"
        )
    settings = [
        tensor.name
        for tensor in record.inputs
        if tensor.shape == () and tensor.name not in record.examples
    ]
    if settings:
        yield (
            f"the values of {', '.join(settings)} were made up: give those that are settings, "
            f"such as --example {settings[0]}=VALUE"
        )


def _said(size: OpenSize) -> str:
    name = f" ({size.symbol})" if size.symbol else ""
    return f"{size.input}[{size.axis}]{name} = {size.size}"


def _shape_option(record: ModelRecord) -> str:
    name = record.assumed[0].input
    return f"--shape {name}={','.join(map(str, record.profile_shapes[name]))}"
