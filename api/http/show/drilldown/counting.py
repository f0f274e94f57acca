"""A profile beside the prior by graph and machine: a graph is counted, see `child`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from onnx import ModelProto

from api.http.answers import OperatorAnswer, ProfileAnswer
from cost_models.features import GraphCost, Summary, graph_cost
from cost_models.features.costs import GroupCost, OperatorCost
from cost_models.roofline import part_us, roofline_us
from devices.models import bind_shapes
from devices.models.info import describe, parse
from scheduler.model.errors import InvalidModel
from scheduler.model.measuring import Peaks
from scheduler.model.messages import OperatorTime, Profile

NOT_HERE = "not counted: the model's file cannot be read here"
_NS_PER_US = 1_000


def answers(
    path: Path, profiles: Iterable[Profile], peaks: Mapping[str, Peaks], *, operators: bool
) -> tuple[ProfileAnswer, ...]:
    """Put the prior beside each profile of a model, and its operators if wanted.

    Parameters
    ----------
    peaks
        By machine and provider, see `place_of`; where there are none, those of an ordinary core.
    """
    counted: dict[object, NamedOperators | str] = {}
    found = []
    for profile in profiles:
        key = tuple(sorted(profile.shapes.items()))
        if key not in counted:
            counted[key] = count(path, profile)
        here = peaks.get(place_of(profile), Peaks(provider=profile.provider))
        found.append(_answer(profile, counted[key], here, operators))
    return tuple(found)


def place_of(profile: Profile) -> str:
    """Machine and provider of a profile in one word."""
    return f"{profile.machine}:{profile.provider}"


class NamedOperators:
    """A graph that was counted, by the names that a runtime may give to its nodes."""

    def __init__(self, model: ModelProto, cost: GraphCost) -> None:
        self.cost = cost
        self._places = {operator.name: i for i, operator in enumerate(cost.operators)}
        for i, node in enumerate(model.graph.node):
            name = node.name or next(iter(node.output), node.op_type)
            place = self._places.get(name)
            if place is not None:
                # ONNX Runtime gives this name to a node that has none.
                self._places.setdefault(f"{node.op_type}_{i}", place)
                for output in node.output:
                    self._places.setdefault(output, place)

    def find(self, name: str) -> int | None:
        """Index of the operator that a runtime names by its node, or by its output."""
        while name:
            if name in self._places:
                return self._places[name]
            # Runtimes add to a name behind a slash: "fc/MatMulAddFusion".
            name = name.rpartition("/")[0]
        return None


def count(path: Path, profile: Profile) -> NamedOperators | str:
    """Count a model's graph; if its file is not here or cannot be counted, say why not."""
    # Costs are advice: a graph that cannot be counted was measured all the same.
    try:
        model = parse(path)
        return NamedOperators(
            model, graph_cost(model, bind_shapes(describe(model, 0), profile.shapes))
        )
    except InvalidModel as error:
        return f"not counted: {error}"
    except OSError:
        return NOT_HERE


def _answer(
    profile: Profile, found: NamedOperators | str, peaks: Peaks, operators: bool
) -> ProfileAnswer:
    counted, note = (None, found) if isinstance(found, str) else (found, "")
    rows = profile.operators if operators else ()
    return replace(
        plain(profile, counted.cost if counted is not None else None, peaks),
        operators=tuple(operator_answers(rows, counted, peaks)),
        note=note,
    )


def plain(profile: Profile, cost: GraphCost | Summary | None, peaks: Peaks) -> ProfileAnswer:
    """Put the prior beside a profile, without its operators."""
    samples = sorted(profile.samples_us)
    return ProfileAnswer(
        profile=replace(profile, operators=()),
        p50_us=_quantile(samples, 0.5),
        p95_us=_quantile(samples, 0.95),
        roofline_us=round(roofline_us(cost, peaks), 1) if cost is not None else None,
    )


def operator_answers(
    rows: tuple[OperatorTime, ...], counted: NamedOperators | None, peaks: Peaks
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
