"""Profiles with operators that speak for a stage of a run: those of its places and its shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scheduler.control.records import OperationRecord
from scheduler.model.messages import Profile

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class StagePlace:
    """A place where operations of a stage ran, and their input shapes; empty if unknown."""

    machine: str
    provider: str
    shapes: Shapes


@dataclass(frozen=True, slots=True)
class ProfileMatch:
    """A profile with operators, and the shapes of the run that it stands in for."""

    profile: Profile
    instead_of: tuple[Shapes, ...] = ()

    def note(self, model: str) -> str:
        """A remark on a profile at shapes that the run did not have; empty for its own."""
        known = [shapes for shapes in self.instead_of if shapes]
        if not self.instead_of:
            return ""
        measured = f"measured at {_words(self.profile.shapes.items())}"
        if not known:
            return f"{measured}; which shapes the run had was not noted"
        others = f" and {len(known) - 1} more" if len(known) > 1 else ""
        return f"{measured}, the run had {_words(known[0])}{others}: {command(model, known[0])}"


def places(operations: Iterable[OperationRecord], stage: str) -> list[StagePlace]:
    """Places where the operations of a stage ran, each once."""
    found = [
        StagePlace(op.machine, op.provider, tuple(sorted(op.shapes.items())))
        for op in operations
        if op.stage == stage and op.machine
    ]
    return list(dict.fromkeys(found))


def matches(profiles: Sequence[Profile], wanted: Iterable[StagePlace]) -> list[ProfileMatch]:
    """For each place the newest profile with operators at its shapes, else at any others.

    Profiles come newest first. Each is named once, however many places it speaks for.
    """
    kept: dict[int, list[Shapes]] = {}
    for place in wanted:
        there = [i for i, profile in enumerate(profiles) if _is_of(profile, place)]
        if not there:
            continue
        exact = [i for i in there if tuple(sorted(profiles[i].shapes.items())) == place.shapes]
        instead_of = kept.setdefault((exact or there)[0], [])
        if not exact:
            instead_of.append(place.shapes)
    return [ProfileMatch(profiles[i], tuple(instead_of)) for i, instead_of in kept.items()]


def command(model: str, shapes: Shapes) -> str:
    """The command that has the operators measured at these shapes."""
    asked = [f" --shape {name}={_sizes(shape)}" for name, shape in shapes if shape]
    return f"fjord profile {model} --operators{''.join(asked)}"


def _is_of(profile: Profile, place: StagePlace) -> bool:
    is_there = (profile.machine, profile.provider) == (place.machine, place.provider)
    return is_there and bool(profile.operators or profile.operators_note)


def _words(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> str:
    return " ".join(f"{name}={_sizes(shape)}" for name, shape in shapes)


def _sizes(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape))
