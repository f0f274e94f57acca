"""Profiles as they are answered: measured times beside counts of the graph and peaks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from api.http.answers import ProfileAnswer
from api.http.context import Context
from api.http.show.drilldown.child import OperatorRequest, answers_of_child
from api.http.show.drilldown.counting import place_of, plain
from api.oracle.counting import read
from scheduler.model.errors import InvalidModel
from scheduler.model.measuring import Peaks
from scheduler.model.messages import Profile


async def answers(
    profiles: Sequence[Profile], context: Context, *, operators: bool
) -> tuple[ProfileAnswer, ...]:
    """Put the prior beside each profile of a model, and its operators if wanted."""
    if not profiles:
        return ()
    view = await context.store.view()
    peaks = {
        f"{machine.report.id}:{found.provider}": found
        for machine in (view.machines if view is not None else ())
        for found in machine.report.peaks
    }
    if not operators:
        kept = await asyncio.to_thread(_kept, profiles, peaks, context)
        if kept is not None:
            return kept
    # One at a time, as each may take as much memory as is allowed.
    async with context.checking:
        return await asyncio.to_thread(_counted, tuple(profiles), peaks, context, operators)


def _kept(
    profiles: Sequence[Profile], peaks: Mapping[str, Peaks], context: Context
) -> tuple[ProfileAnswer, ...] | None:
    """The answers by the counts made when the model came; ``None`` if those are not enough."""
    kept = read(context.models_dir, profiles[0].digest)
    if kept is None:
        return None
    costs = [kept.kept.at(tuple(profile.shapes.items())) for profile in profiles]
    if any(cost is None or cost.is_scaled for cost in costs):
        return None
    return tuple(
        plain(profile, cost, peaks.get(place_of(profile), Peaks(provider=profile.provider)))
        for profile, cost in zip(profiles, costs, strict=True)
    )


def _counted(
    profiles: tuple[Profile, ...], peaks: dict[str, Peaks], context: Context, operators: bool
) -> tuple[ProfileAnswer, ...]:
    path = context.model_path(profiles[0].digest)
    request = OperatorRequest(path=str(path), profiles=profiles, peaks=peaks, operators=operators)
    try:
        return answers_of_child(request)
    except InvalidModel as error:
        note = f"not counted: {error}"
        return tuple(
            replace(plain(each, None, Peaks(provider=each.provider)), note=note)
            for each in profiles
        )
