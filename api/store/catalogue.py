"""Models and workloads: their records, names that are taken once, and the events for the brain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from api.store import codec
from api.store.connection import Argument
from api.store.log import Log
from api.store.partitions import PartitionRecord
from api.store.scripts import CHANGE, PUT_NEW, REMOVE
from scheduler.control.events import (
    Event,
    ModelAdded,
    ModelRemoved,
    WorkloadAdded,
    WorkloadRemoved,
)
from scheduler.control.workload import Workload
from scheduler.model import keys
from scheduler.model.errors import DuplicateName, Unavailable, UnknownName
from scheduler.model.messages import Value

VERSION_TRIES = 100
"""So many others may take the next version of one workload before this one gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """Name and type of an input or an output.

    Parameters
    ----------
    dtype
        NumPy name, or ``string``.
    shape
        A name or -1 stands for a dimension that is not known; ``None`` for any rank.
    is_list
        True for a list of such tensors.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None = None
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSize:
    """A size that was taken for an axis that a model leaves open, since nobody gave one.

    Parameters
    ----------
    symbol
        Name of the axis in the file; empty if it has none.
    """

    input: str
    axis: int
    size: int
    symbol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """An accepted model. Its file lies under its digest.

    Parameters
    ----------
    digest
        SHA-256 of the file in hex.
    profile_shapes
        Input shapes that it is profiled with, all dimensions bound.
    examples
        Values of some inputs that it is profiled with, inline.
    assumed
        Sizes among the shapes that nobody said.
    partitions
        Its proven cuts, oldest first.
    piece_of
        Name of the model that it is a piece of; empty for a model that was uploaded.
    """

    name: str
    digest: str
    size_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    created_us: int
    profile_shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    examples: dict[str, Value] = field(default_factory=dict)
    assumed: tuple[OpenSize, ...] = ()
    partitions: tuple[PartitionRecord, ...] = ()
    piece_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRecord:
    """An accepted version of a workload. Versions count from 1 and never change.

    Parameters
    ----------
    request
        The body that was posted.
    workload
        The workload as the brain was told it.
    inputs
        Types of the inputs of its runs.
    max_queued
        Runs of it, of all versions, that may be accepted and not ended; ``None`` for any number.
    """

    name: str
    version: int
    request: dict[str, Any]
    workload: Workload
    inputs: tuple[TensorInfo, ...]
    created_us: int
    max_queued: int | None = None

    @property
    def key(self) -> str:
        """``name@version``."""
        return self.workload.key


class Catalogue(Log):
    """Models by name, workloads by name and version."""

    async def add_model(self, record: ModelRecord, event: ModelAdded) -> None:
        """Keep a model and tell the brain, both or neither.

        Raises
        ------
        DuplicateName
            If the name is taken.
        """
        if not await self._put_new(keys.models(self.site), record.name, record, event):
            raise DuplicateName(f"name {record.name!r} must be new; a model has it", field="name")

    async def change_model(self, record: ModelRecord, event: ModelAdded) -> None:
        """Keep another setup of a model that is there, and tell the brain, both or neither.

        Raises
        ------
        UnknownName
            If there is no such model of that file any more.
        """
        touched = [keys.models(self.site), keys.events(self.site)]
        arguments: list[Argument] = [
            record.name,
            codec.encode(record),
            *codec.fields(event),
            record.digest,
        ]
        if not await self.run_script(CHANGE, touched, arguments):
            raise UnknownName(f"there is no model {record.name!r} of that file", field="name")

    async def remove_model(self, event: ModelRemoved) -> None:
        """Forget a model and tell the brain.

        Raises
        ------
        UnknownName
            If there is no such model.
        """
        await self._remove(keys.models(self.site), event.name, event, "model")

    async def models(self) -> list[ModelRecord]:
        """All models that were uploaded, by name."""
        return [record for record in await self.all_models() if not record.piece_of]

    async def all_models(self) -> list[ModelRecord]:
        """All models and all pieces of models, by name."""
        found = await self.call("HVALS", keys.models(self.site))
        records = [codec.decode(ModelRecord, data) for data in found]
        return sorted(records, key=lambda record: record.name)

    async def model(self, name: str) -> ModelRecord:
        """The model of that name.

        Raises
        ------
        UnknownName
            If there is no such model.
        """
        data = await self.call("HGET", keys.models(self.site), name)
        if data is None:
            raise UnknownName(f"there is no model {name!r}", field="model")
        return codec.decode(ModelRecord, data)

    async def model_by_digest(self, digest: str) -> ModelRecord:
        """A model whose file has that SHA-256.

        Raises
        ------
        UnknownName
            If there is no such model.
        """
        for record in await self.all_models():
            if record.digest == digest:
                return record
        raise UnknownName(f"there is no model with digest {digest!r}", field="digest")

    async def add_workload(
        self, make: Callable[[int], tuple[WorkloadRecord, WorkloadAdded]]
    ) -> WorkloadRecord:
        """Keep the next version of a workload and tell the brain, both or neither.

        Parameters
        ----------
        make
            Makes the record of a given version. It is called again when somebody else was faster.
        """
        version = 1 + max(
            (other.version for other in await self._versions(make(1)[0].name)), default=0
        )
        for candidate in range(version, version + VERSION_TRIES):
            record, event = make(candidate)
            if await self._put_new(keys.workloads(self.site), record.key, record, event):
                return record
        raise Unavailable(f"too many new versions of workload {record.name!r} at once")

    async def remove_workload(self, event: WorkloadRemoved) -> None:
        """Forget a version of a workload and tell the brain.

        Raises
        ------
        UnknownName
            If there is no such version.
        """
        await self._remove(keys.workloads(self.site), event.key, event, "workload")

    async def workloads(self) -> list[WorkloadRecord]:
        """All versions of all workloads, by name and version."""
        found = await self.call("HVALS", keys.workloads(self.site))
        records = [codec.decode(WorkloadRecord, data) for data in found]
        return sorted(records, key=lambda record: (record.name, record.version))

    async def workload(self, name: str, version: int | None = None) -> WorkloadRecord:
        """That version of a workload; by default its latest.

        Raises
        ------
        UnknownName
            If there is none.
        """
        if version is None:
            found = await self._versions(name)
            if found:
                return found[-1]
            raise UnknownName(f"there is no workload {name!r}", field="workload")
        data = await self.call("HGET", keys.workloads(self.site), f"{name}@{version}")
        if data is None:
            raise UnknownName(f"there is no workload {name}@{version}", field="workload")
        return codec.decode(WorkloadRecord, data)

    async def _versions(self, name: str) -> list[WorkloadRecord]:
        return [record for record in await self.workloads() if record.name == name]

    async def _put_new(self, key: str, name: str, record: object, event: Event) -> bool:
        touched = [key, keys.events(self.site)]
        arguments: list[Argument] = [name, codec.encode(record), *codec.fields(event)]
        return bool(await self.run_script(PUT_NEW, touched, arguments))

    async def _remove(self, key: str, name: str, event: Event, what: str) -> None:
        touched = [key, keys.events(self.site)]
        if not await self.run_script(REMOVE, touched, [name, *codec.fields(event)]):
            raise UnknownName(f"there is no {what} {name!r}", field="name")
