"""What a profile says, beside what the graph and the machine make of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from onnx import ModelProto

from api.answers import OperatorAnswer, ProfileAnswer
from api.context import Context
from cost_models.features import GraphCost, graph_cost
from cost_models.features.costs import GroupCost, OperatorCost
from cost_models.roofline import part_us, roofline_us
from devices.graph import bind_shapes
from devices.graph.info import describe, parse
from scheduler.model.errors import InvalidModel
from scheduler.model.measuring import Peaks
from scheduler.model.messages import OperatorTime, Profile

_NS_PER_US = 1_000


async def answers(
    profiles: Iterable[Profile], context: Context, *, operators: bool
) -> tuple[ProfileAnswer, ...]:
    """Put beside each profile what the prior says, and its operators if they are wanted."""
    view = await context.store.view()
    peaks = {
        (machine.report.id, found.provider): found
        for machine in (view.machines if view is not None else ())
        for found in machine.report.peaks
    }
    return await asyncio.to_thread(_answers, list(profiles), peaks, context, operators)


def _answers(
    profiles: list[Profile],
    peaks: Mapping[tuple[str, str], Peaks],
    context: Context,
    operators: bool,
) -> tuple[ProfileAnswer, ...]:
    counted: dict[object, Counted | str] = {}
    found = []
    for profile in profiles:
        key = tuple(sorted(profile.shapes.items()))
        if key not in counted:
            counted[key] = count(context, profile)
        here = peaks.get((profile.machine, profile.provider), Peaks(provider=profile.provider))
        found.append(_answer(profile, counted[key], here, operators))
    return tuple(found)


class Counted:
    """A graph that was counted, by the names that a runtime may give to its nodes."""

    def __init__(self, model: ModelProto, cost: GraphCost) -> None:
        self.cost = cost
        self._places = {operator.name: i for i, operator in enumerate(cost.operators)}
        for i, node in enumerate(model.graph.node):
            name = node.name or next(iter(node.output), node.op_type)
            place = self._places.get(name)
            if place is not None:
                # What ONNX Runtime calls a node that has no name.
                self._places.setdefault(f"{node.op_type}_{i}", place)
                for output in node.output:
                    self._places.setdefault(output, place)

    def find(self, name: str) -> int | None:
        """Index of the operator that a runtime calls by its node, or by what it makes."""
        while name:
            if name in self._places:
                return self._places[name]
            # What runtimes add to a name comes after a slash: "fc/MatMulAddFusion".
            name = name.rpartition("/")[0]
        return None


def count(context: Context, profile: Profile) -> Counted | str:
    """Count a model's graph; if its file is not here or cannot be counted, say why not."""
    # Costs are advice: what cannot be counted was measured all the same.
    try:
        model = parse(context.model_path(profile.digest))
        return Counted(model, graph_cost(model, bind_shapes(describe(model, 0), profile.shapes)))
    except InvalidModel as error:
        return f"not counted: {error}"
    except OSError:
        return "not counted: the model's file cannot be read here"


def _answer(profile: Profile, found: Counted | str, peaks: Peaks, operators: bool) -> ProfileAnswer:
    counted, note = (None, found) if isinstance(found, str) else (found, "")
    samples = sorted(profile.samples_us)
    rows = profile.operators if operators else ()
    return ProfileAnswer(
        profile=replace(profile, operators=()),
        p50_us=_quantile(samples, 0.5),
        p95_us=_quantile(samples, 0.95),
        roofline_us=round(roofline_us(counted.cost, peaks), 1) if counted is not None else None,
        operators=tuple(operator_answers(rows, counted, peaks)),
        note=note,
    )


def operator_answers(
    rows: tuple[OperatorTime, ...], counted: Counted | None, peaks: Peaks
) -> Iterable[OperatorAnswer]:
    """Each operator's time beside its counts: those of its fused group, if it has that alone."""
    total_ns = max(1, sum(row.kernel_ns for row in rows))
    places = [counted.find(row.name) if counted is not None else None for row in rows]
    groups = Counter(
        counted.cost.operators[place].group
        for place in places
        if counted is not None and place is not None
    )
    for row, place in zip(rows, places, strict=True):
        answer = OperatorAnswer(
            name=row.name,
            op_type=row.op_type,
            provider=row.provider,
            kernel_us=row.kernel_ns / _NS_PER_US,
            share=round(row.kernel_ns / total_ns, 4),
            calls=row.calls,
        )
        if counted is None or place is None:
            yield answer
            continue
        operator = counted.cost.operators[place]
        is_whole = groups[operator.group] == 1
        part: GroupCost | OperatorCost = (
            counted.cost.groups[operator.group] if is_whole else operator
        )
        members = counted.cost.groups[operator.group].operators if is_whole else (place,)
        yield replace(
            answer,
            nodes=tuple(counted.cost.operators[i].name for i in members),
            flops=part.flops,
            moved_bytes=part.read_bytes + part.written_bytes,
            roofline_us=round(part_us(part, peaks), 2),
        )


def _quantile(samples: list[int], share: float) -> int | None:
    return samples[min(len(samples) - 1, int(share * len(samples)))] if samples else None
