"""Workloads on their way into the catalogue: content that is there already makes no new version."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from api.http.context import Context
from api.http.schemas import WorkloadSpec
from api.http.workloads.mapping import input_infos, to_workload
from api.http.workloads.targets import Targets
from api.store.catalogue import WorkloadRecord
from devices.functions.registry import functions
from scheduler.control.events import WorkloadAdded


async def register(spec: WorkloadSpec, context: Context) -> tuple[WorkloadRecord, bool]:
    """Check a workload and keep it; gives its record, and true if that is a new version.

    Raises
    ------
    InvalidWorkload
        With the field, the law and what came.
    """
    draft = await _draft(spec, context)
    async with context.filing:
        known = await _same_content(draft, context)
        if known is not None:
            return known, False
        record = await context.store.add_workload(lambda version: _version(draft, version))
    context.workloads.forget(spec.name)
    return record, True


async def versions(name: str, context: Context) -> list[WorkloadRecord]:
    """All versions of a workload, oldest first."""
    return [record for record in await context.store.workloads() if record.name == name]


async def _draft(spec: WorkloadSpec, context: Context) -> WorkloadRecord:
    """Check a workload; what comes back has no version yet."""
    records = await context.store.all_models()
    targets = Targets(
        models={record.name: record for record in records if not record.piece_of},
        pieces={record.name: record for record in records if record.piece_of},
        functions=functions(),
    )
    workload = to_workload(spec, 0, targets)
    return WorkloadRecord(
        name=spec.name,
        version=0,
        request=spec.model_dump(mode="json", exclude_unset=True),
        workload=workload,
        inputs=input_infos(spec),
        created_us=context.store.now_us(),
        max_queued=spec.max_queued,
    )


def _version(draft: WorkloadRecord, version: int) -> tuple[WorkloadRecord, WorkloadAdded]:
    workload = replace(draft.workload, version=version)
    record = replace(draft, version=version, workload=workload)
    return record, WorkloadAdded(at_us=draft.created_us, workload=workload)


async def _same_content(draft: WorkloadRecord, context: Context) -> WorkloadRecord | None:
    wanted = _content(draft)
    for record in reversed(await versions(draft.name, context)):
        if _content(record) == wanted:
            return record
    return None


def _content(record: WorkloadRecord) -> bytes:
    # Meanings are compared, not spellings: a default may be spelt out or left out.
    workload = replace(record.workload, version=0)
    return msgspec.json.encode((workload, record.inputs, record.max_queued), order="sorted")
