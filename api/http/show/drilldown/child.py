"""Counts the operators of a graph, confined: ``python -m api.http.show.drilldown.child``."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from api.http.answers import ProfileAnswer
from api.http.show.drilldown.counting import answers
from api.process.children import die_with_parent
from devices.models import ModelLimits
from devices.models.confining import confine
from devices.models.sandbox import run_confined
from devices.runtime.child import answer_on_stdout
from scheduler.model.measuring import Peaks
from scheduler.model.messages import Profile

_CHILD = "api.http.show.drilldown.child"
_DEFAULT = ModelLimits()


class OperatorRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Profiles of one model, with the peaks of their places; see `counting.answers`."""

    path: str
    profiles: tuple[Profile, ...]
    peaks: dict[str, Peaks]
    operators: bool
    limits: ModelLimits = _DEFAULT


def answers_of_child(request: OperatorRequest) -> tuple[ProfileAnswer, ...]:
    """Have a child count the graphs of a request; blocks until that is done.

    Raises
    ------
    InvalidModel
        If the child crashed or ran out of memory or time on the graph.
    """
    said = run_confined(_CHILD, given=msgspec.json.encode(request), limits=request.limits)
    return msgspec.json.decode(said, type=tuple[ProfileAnswer, ...])


def main() -> None:
    """Count under limits and print the answers."""
    die_with_parent()
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=OperatorRequest)
    with answer_on_stdout() as answer:
        confine(request.limits)
        path = Path(request.path)
        answer(answers(path, request.profiles, request.peaks, operators=request.operators))


if __name__ == "__main__":
    main()
