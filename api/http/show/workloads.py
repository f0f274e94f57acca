"""Workloads as they are answered: with a warning for each model that no machine can run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from api.http.context import Context
from api.http.show.models import verdicts_on
from api.store.catalogue import ModelRecord, WorkloadRecord
from scheduler.control.records import SiteView
from scheduler.model.messages import Verdict, WorkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadAnswer(WorkloadRecord):
    """A version of a workload, and what stands in the way of its runs.

    Parameters
    ----------
    warnings
        One per stage whose model was measured and refused on every machine: its runs fail at once.
    """

    warnings: tuple[str, ...]


async def workload_answer(record: WorkloadRecord, context: Context) -> WorkloadAnswer:
    """Put the warnings of now beside a workload."""
    said = {each.name: getattr(record, each.name) for each in fields(record)}
    return WorkloadAnswer(**said, warnings=tuple(await _warnings(record, context)))


async def _warnings(record: WorkloadRecord, context: Context) -> list[str]:
    stages = [each for each in record.workload.stages if each.kind is WorkKind.MODEL]
    view = await context.store.view() if stages else None
    if view is None:
        return []
    models = {model.name: model for model in await context.store.all_models()}
    found = {name: _refusals(models[name], view) for name in models}
    return [
        f"stage {stage.name!r}: no machine can run model {stage.target!r}: {found[stage.target]}"
        for stage in stages
        if found.get(stage.target)
    ]


def _refusals(record: ModelRecord, view: SiteView) -> str:
    """The reasons for which no machine can run a model; empty if one can, or may be able to."""
    verdicts = {(each.machine, each.provider): each for each in verdicts_on(record, view.profiles)}
    places = list(_places(view))
    if not places or any(place not in verdicts for place in places):
        return ""
    refused = [verdicts[place] for place in places]
    if any(each.verdict is Verdict.USABLE for each in refused):
        return ""
    return "; ".join(f"{e.machine}:{e.provider}: {e.reason or e.verdict.value}" for e in refused)


def _places(view: SiteView) -> Iterator[tuple[str, str]]:
    for machine in view.machines:
        for report in machine.report.providers:
            if report.verdict is Verdict.USABLE:
                yield machine.report.id, report.provider
