from __future__ import annotations

from dataclasses import replace

from api.controller.effects import Effects
from scheduler.control.commands import (
    ForgetRun,
    KeepStory,
    RecordRun,
    ReleaseInputs,
    SendPlan,
    WakeAt,
)
from scheduler.control.records import RunRecord, RunState, RunStory
from scheduler.model.links import LinkAsk
from scheduler.model.messages import AgentPlan, Binding, Dispatch, Release, Work, WorkKind
from scheduler.model.problem import Band


def record(run: str, state: RunState) -> RunRecord:
    return RunRecord(
        run=run, kind="run", workload="w@1", state=state, band=Band.NORMAL, submitted_us=1
    )


def dispatch(operation: str, attempt: int) -> Dispatch:
    inputs: tuple[Binding, ...] = ()
    return Dispatch(
        operation=operation,
        attempt=attempt,
        run="r",
        machine="a/cpu0",
        provider="python",
        variant="",
        work=Work(kind=WorkKind.FUNCTION, name="f"),
        inputs=inputs,
        band=Band.NORMAL,
        planned_start_us=0,
        expected_us=1,
        timeout_us=1,
    )


def plan(version: int, *queue: Dispatch, stop: tuple[tuple[str, int], ...] = ()) -> AgentPlan:
    return AgentPlan(
        agent="a",
        epoch=1,
        version=version,
        queues={"a/cpu0": queue},
        stop=stop,
        release=(Release(run=f"r{version}"),),
    )


def test_last_record_of_a_run_is_written_once() -> None:
    effects = Effects()
    last = record("r", RunState.FINISHED)
    effects.add([RecordRun(record=record("r", RunState.RUNNING)), RecordRun(record=last)])
    assert effects.batch().records == (last,)


def test_stops_and_releases_of_replaced_plans_are_kept() -> None:
    effects = Effects()
    last = plan(2, dispatch("r/b", 1), stop=(("r/c", 1),))
    effects.add([SendPlan(plan=plan(1, dispatch("r/a", 1), stop=(("r/x", 2),)))])
    effects.add([SendPlan(plan=last)])
    (sent,) = effects.batch().plans
    assert (sent.version, sent.queues) == (2, last.queues)
    assert sent.stop == (("r/x", 2), ("r/c", 1))
    assert sent.release == (Release(run="r1"), Release(run="r2"))


def test_links_to_measure_and_models_to_unload_of_replaced_plans_are_kept() -> None:
    effects = Effects()
    first, second = (LinkAsk(box=name, url=f"http://{name}:1") for name in ("b", "c"))
    effects.add([SendPlan(plan=replace(plan(1), measure=(first,), unload=("m",)))])
    effects.add([SendPlan(plan=replace(plan(2), measure=(first, second), unload=("n", "m")))])
    (sent,) = effects.batch().plans
    assert sent.measure == (first, second)
    assert sent.unload == ("m", "n")


def test_operation_that_is_queued_again_is_not_stopped() -> None:
    effects = Effects()
    effects.add([SendPlan(plan=plan(1, stop=(("r/a", 1),)))])
    effects.add([SendPlan(plan=plan(2, dispatch("r/a", 1)))])
    assert effects.batch().plans[0].stop == ()


def test_last_record_of_a_run_that_is_forgotten_at_once_is_written_for_history() -> None:
    effects = Effects()
    gone, last = Release(run="r"), record("r", RunState.FINISHED)
    effects.add([RecordRun(record=last), ForgetRun(release=gone)])
    batch = effects.batch()
    assert (batch.records, batch.forget) == ((last,), (gone,))


def test_last_story_of_a_run_is_written_once_also_where_it_is_forgotten_at_once() -> None:
    effects = Effects()
    story = RunStory(run="r", submitted_us=1)
    effects.add([KeepStory(story=story), ForgetRun(release=Release(run="r"))])
    effects.add([KeepStory(story=story)])
    assert effects.batch().stories == (story,)


def test_every_release_is_kept_and_the_last_alarm_counts() -> None:
    effects = Effects()
    effects.add([ReleaseInputs(release=Release(run="r")), WakeAt(at_us=9)])
    effects.add([ReleaseInputs(release=Release(run="s")), WakeAt(at_us=5)])
    assert [release.run for release in effects.batch().release] == ["r", "s"]
    assert effects.wake == WakeAt(at_us=5)
