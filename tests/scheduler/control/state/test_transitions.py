"""States of operations and live fields of machines have one writer, and it keeps to its table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler import control
from scheduler.control.records import OperationState
from scheduler.control.state import transitions
from scheduler.model.errors import Defect
from scheduler.model.messages import OperationFinished
from tests.scheduler.site import added, agent_joined, fan, single, submitted, value
from tests.scheduler.watched import Watched, dispatch_of, finish, start

ROOT = Path(control.__file__).parent
LIVE = {"running", "queue", "held", "free_us", "busy_us", "up_us", "is_up"}
NOT_LIVE = {"self", "lane", "brain"}
"""Names of other things that have a field of such a name: what a plan is drawn up on, a brain."""


def assigned(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Yield the attributes that a module assigns, alone or among others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node


def is_watched(target: ast.Attribute) -> bool:
    owner = target.value.id if isinstance(target.value, ast.Name) else ""
    return target.attr in LIVE | {"state"} and owner not in NOT_LIVE


def test_nobody_but_transitions_assigns_states_and_live_fields() -> None:
    own = Path(transitions.__file__)
    found = [
        f"{path.relative_to(ROOT)}:{target.lineno} assigns {ast.unparse(target)}"
        for path in ROOT.rglob("*.py")
        if path != own
        for target in assigned(ast.parse(path.read_text()))
        if is_watched(target)
    ]
    assert found == []


def test_the_check_sees_the_writer_itself() -> None:
    tree = ast.parse(Path(transitions.__file__).read_text())
    seen = {target.attr for target in assigned(tree) if is_watched(target)}
    assert seen == LIVE | {"state"}


def test_a_transition_that_is_not_in_the_table_is_a_defect() -> None:
    brain = Watched()
    brain.feed(agent_joined("a"), added(single()))
    dispatch = dispatch_of(brain.handle(submitted("r-1", at_us=100)), "r-1/only")
    brain.feed(start(dispatch, 200), finish(dispatch, 900))
    op = brain.state.operations["r-1/only"]
    assert op.mode is not None
    with pytest.raises(Defect, match=r"r-1/only must not go from done to running"):
        transitions.started(brain.state, op, op.mode, 1_000)


def test_a_result_of_an_operation_that_is_only_expected_counts() -> None:
    brain = Watched()
    brain.feed(agent_joined("a"), added(fan()), submitted("r-1", "fan@1", at_us=100))
    op = brain.state.operations["r-1/read[0]"]
    states = [op.state]
    report = OperationFinished(
        at_us=900,
        operation=op.id,
        run="r-1",
        attempt=1,
        machine="a/cpu0",
        started_us=200,
        compute_us=700,
        outputs={"out": value()},
    )
    brain.handle(report)
    assert [*states, op.state] == [OperationState.EXPECTED, OperationState.DONE]
