"""Every placement gives a schedule, and no operation could have been placed earlier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model.checker import check
from scheduler.model.problem import Problem
from scheduler.model.schedule import Assignment, Schedule
from tests.builders import all_links, job, machine, mode, operation, problem, resource
from tests.scheduler.solvers.kernels.timeline.placing import Placing
from tests.scheduler.strategies import problems

Placed = Mapping[int, tuple[int, int]]


def is_plan(p: Problem, form_index: Mapping[int, int], placed: Placed) -> bool:
    """True if the checker accepts the operations placed so far, and the started ones."""
    chosen = {i: at for i, at in placed.items() if p.operations[i].progress is None}
    names = {p.operations[i].id for i in placed}
    part = replace(
        p,
        operations=tuple(p.operations[i] for i in sorted(placed)),
        edges=tuple(e for e in p.edges if e.source in names and e.target in names),
    )
    rows = []
    for i in sorted(placed):
        op = p.operations[i]
        if i in chosen:
            k, start_us = chosen[i]
            index = form_index[k]
            end_us = start_us + op.modes[index].duration_us
        else:
            assert op.progress is not None
            index, start_us = op.progress.mode, op.progress.start_us
            expected_us = max(start_us + op.modes[index].duration_us, p.now_us)
            end_us = expected_us if op.progress.end_us is None else op.progress.end_us
        rows.append(
            Assignment(
                operation=op.id,
                mode=index,
                machine=op.modes[index].machine,
                start_us=start_us,
                end_us=end_us,
            )
        )
    return check(part, Schedule(assignments=tuple(rows))) == []


def steps(data: st.DataObject, placing: Placing, p: Problem) -> Iterator[tuple[int, int, bool]]:
    """Operations that have not started, in an order that respects precedence, in random modes."""
    for i in placing.form.order.tolist():
        if p.operations[i].progress is None:
            yield (
                i,
                data.draw(st.sampled_from(placing.modes(i))),
                data.draw(st.booleans(), label="append"),
            )


@settings(max_examples=60)
@given(p=problems(), data=st.data())
def test_each_start_is_the_first_that_the_checker_allows(p: Problem, data: st.DataObject) -> None:
    placing = Placing(p)
    index = dict(enumerate(placing.form.mode_index.tolist()))
    placed = {i: (0, 0) for i, o in enumerate(p.operations) if o.progress is not None}
    for i, k, append in steps(data, placing, p):
        start_us = placing.earliest(i, k, append=append)
        if start_us < 0:
            return
        assert is_plan(p, index, {**placed, i: (k, start_us)})
        if not append:
            # Free time stays free later only if nothing is placed there.
            for earlier_us in range(start_us):
                assert not is_plan(p, index, {**placed, i: (k, earlier_us)})
        placing.place(i, k, start_us)
        placed[i] = k, start_us


@settings(max_examples=60)
@given(p=problems(), data=st.data())
def test_what_is_lifted_leaves_no_trace(p: Problem, data: st.DataObject) -> None:
    placing = Placing(p)
    for i, k, append in steps(data, placing, p):
        before = [placing.earliest(i, other) for other in placing.modes(i)]
        start_us = placing.earliest(i, k, append=append)
        if start_us < 0:
            return
        last_us = int(placing.draft.last_us[placing.form.mode_machine[k]])
        placing.place(i, k, start_us)
        placing.lift(i, last_us)
        assert [placing.earliest(i, other) for other in placing.modes(i)] == before
        placing.place(i, k, start_us)


@settings(max_examples=30)
@given(p=problems(), data=st.data())
def test_a_draft_can_be_used_again(p: Problem, data: st.DataObject) -> None:
    placing = Placing(p)
    made = []
    for i, k, append in steps(data, placing, p):
        start_us = placing.earliest(i, k, append=append)
        if start_us < 0:
            break
        placing.place(i, k, start_us)
        made.append((i, k, append, start_us))
    placing.reset()
    for i, k, append, start_us in made:
        assert placing.earliest(i, k, append=append) == start_us
        placing.place(i, k, start_us)


def test_trying_again_and_again_takes_no_room() -> None:
    # Room is kept for two steps of a resource per operation, however often one is tried.
    modes = [mode("m0", us, demands={"cores": 1}) for us in (3, 5)]
    placing = Placing(
        problem([operation(f"o{i}", modes=modes) for i in range(2)], resources=[resource("cores")])
    )
    placing.place(0, 0, 7)
    for start_us in range(20, 40):
        placing.place(1, 2 + start_us % 2, start_us)
        placing.lift(1, 10)
    steps = placing.draft.steps
    assert steps.filled.tolist() == [3]
    assert steps.at_us[0, 1:3].tolist() == [7, 10]
    assert steps.taken[0, :3].tolist() == [0, 1, 0]


def test_trials_on_all_machines_take_no_room_from_each_other() -> None:
    # Rows grow on trial on one machine after the other, more than they could all together.
    lanes = [machine(f"m{i}") for i in range(12)]
    jobs = [job(f"j{i}") for i in range(20)]
    everywhere = {lane.id: 1 for lane in lanes}
    ops = [operation(f"o{i}", job=f"j{i}", durations=everywhere) for i in range(20)]
    placing = Placing(problem(ops, machines=lanes, jobs=jobs))
    for m in range(12):
        for i in range(20):
            placing.place(i, 12 * i + m, 2 * i)
        assert placing.draft.spans.filled[m] == 20
        for i in reversed(range(20)):
            placing.lift(i, 0)
    assert placing.draft.spans.filled.tolist() == [0] * 12
    assert placing.earliest(0, 5) == 0


def test_a_machine_finds_room_for_many_spans() -> None:
    # Every second microsecond is taken, so that no span touches another: rows grow and move.
    ops = [operation(f"o{i}", job=f"j{i}") for i in range(40)]
    p = problem(ops, jobs=[job(f"j{i}", release_us=2 * i) for i in range(40)])
    placing = Placing(p)
    for i in reversed(range(40)):
        assert placing.earliest(i, i) == 2 * i
        placing.place(i, i, 2 * i)
    assert placing.draft.spans.filled.tolist() == [40]
    assert placing.earliest(0, 0) == 1


def test_appending_counts_operations_and_not_windows() -> None:
    ops = [operation("first"), operation("short"), operation("long", durations={"m0": 8})]
    placing = Placing(problem(ops, machines=[machine(unavailable=[(9, 20)])]))
    placing.place(0, 0, 2)
    assert placing.earliest(1, 1) == 0
    assert placing.earliest(1, 1, append=True) == 3
    assert placing.earliest(2, 2, append=True) == 20


def test_a_gap_holds_the_setup_of_what_follows() -> None:
    # Between two of family f, one of family g makes the second load f again: 2 us each.
    def ops(gap_us: int) -> Placing:
        modes = {"f": mode(family="f", setup_us=2), "g": mode(family="g", setup_us=2)}
        placing = Placing(
            problem([operation(f"o{i}", modes=[modes[f]]) for i, f in enumerate(["f", "f", "g"])])
        )
        placing.place(0, 0, 2)
        placing.place(1, 1, 3 + gap_us)
        return placing

    assert (ops(5).earliest(2, 2), ops(4).earliest(2, 2)) == (5, 10)


def test_a_session_that_is_kept_is_loaded_before_the_first_in_time() -> None:
    # f is there from 12 on, after a setup of 2; g of a machine that had it from the start is free.
    lanes = [machine(keeps_setups=True, kept=("g",))]
    modes = {"f": mode(family="f", setup_us=2), "g": mode(family="g", setup_us=2)}
    ops = [operation(f"o{i}", modes=[modes[f]]) for i, f in enumerate(["f", "f", "g", "f"])]
    placing = Placing(problem(ops, machines=lanes))
    placing.place(0, 0, 12)
    assert placing.earliest(2, 2) == 0
    placing.place(2, 2, 9)
    # Earlier than the first it loads itself; behind it there is nothing to load.
    assert placing.earliest(1, 1) == 2
    assert placing.earliest(1, 1, append=True) == 13
    placing.place(1, 1, 2)
    assert placing.earliest(3, 3) == 3


def test_the_first_that_loads_a_session_keeps_the_time_for_it() -> None:
    modes = {"f": mode(family="f", setup_us=3), "": mode(duration_us=2)}
    ops = [operation(f"o{i}", modes=[modes[f]]) for i, f in enumerate(["f", "f", ""])]

    def placing(first_us: int) -> Placing:
        found = Placing(problem(ops, machines=[machine(keeps_setups=True)]))
        found.place(0, 0, first_us)
        found.place(1, 1, first_us + 4)
        return found

    # Before the first: 2 for itself and 3 for the setup. Before the second: 2 and nothing else.
    assert (placing(5).earliest(2, 2), placing(4).earliest(2, 2)) == (0, 5)


def test_a_choice_that_leaves_another_without_a_device_does_not_fit() -> None:
    # x is fastest on b, but only a is joined to where z must run, two edges away.
    lanes = [machine("a"), machine("b"), machine("c")]
    p = problem(
        [
            operation("x", durations={"a": 9, "b": 1}),
            operation("y", durations={"a": 9, "b": 1}),
            operation("z", durations={"c": 1}),
        ],
        machines=lanes,
        edges=[("x", "y"), ("y", "z")],
        links=all_links([lanes[0], lanes[2]]),
    )
    placing = Placing(p)
    assert [placing.earliest(0, k) for k in placing.modes(0)] == [0, -1]


def test_a_group_that_has_no_common_device_is_plainly_impossible() -> None:
    lanes = [machine("a", memory_bytes=9), machine("b")]
    big = [mode("a", peak_bytes=10), mode("b")]
    p = problem(
        [operation("x", modes=big, colocation="g"), operation("y", modes=big[:1], colocation="g")],
        machines=[lanes[0], lanes[1]],
    )
    assert not Placing(p).draft.possible


def test_a_budget_keeps_the_least_for_those_that_come_later() -> None:
    modes = [mode("m0", 1, demands={"j": 3}), mode("m0", 9, demands={"j": 1})]
    p = problem(
        [operation(f"o{i}", modes=modes) for i in range(2)],
        resources=[resource("j", 4, renewable=False)],
    )
    placing = Placing(p)
    assert placing.earliest(0, 0) == 0
    placing.place(0, 0, 0)
    assert placing.earliest(1, 2) == -1
    assert placing.earliest(1, 3) == 1
