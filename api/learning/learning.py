"""The loops of a controller in office that learn: keep rows, train, take over the better model."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.learning import trainer
from api.learning.follower import Follower
from api.learning.history import History
from api.learning.recorder import Recorder
from api.learning.rule import Facts, reason, waits_for
from api.oracle.missing_counts import make_missing
from api.oracle.oracle import ARTIFACT
from api.oracle.shelf import Shelf
from api.store import Head
from cost_models.learned.engines import MISSING
from cost_models.oracle import Oracle
from scheduler.control.brain import Brain
from scheduler.control.commands import KeepExecution, KeepProfile
from scheduler.control.events import CostModelChanged, Event
from scheduler.control.records.costs import Learning, Training

_log = logging.getLogger(__name__)

Tell = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSettings:
    """Settings of a service that learns from its measurements.

    Parameters
    ----------
    train_rows
        New measurements after which it trains; 0 turns training off, not the keeping of rows.
    box
        Box on which it trains: it keeps clear of critical runs there.
    look_s
        From one look at the file, at the rows and at critical runs to the next.
    """

    train_rows: int = 200
    box: str = ""
    look_s: float = 1.0


class CostLearning:
    """The learning of a process from its measurements; it works while the process is in office."""

    def __init__(self, data_dir: Path, settings: LearningSettings) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._recorder = Recorder(data_dir, settings.box)
        self._history = History(data_dir)
        self._latest = data_dir / ARTIFACT
        self._shelf = Shelf(data_dir, self._latest)
        self._report = Learning()
        self._has_told = False

    @property
    def report(self) -> Learning:
        """The state of learning, for people."""
        return self._report

    def take(self, kept: Iterable[KeepProfile | KeepExecution]) -> None:
        """Take in measurements that the brain wants kept."""
        self._recorder.take(kept)

    async def keep_models(self, kept: list[Head]) -> None:
        """Have no more learned models lie about than these checkpoints and the log can name."""
        since_us = min(head.at_us for head in kept)
        await asyncio.to_thread(self._shelf.drop, [head.model for head in kept], since_us)

    async def work(self, brain: Brain, tell: Tell, changed: Callable[[], None]) -> None:
        """Learn until cancelled. A failure is logged and tried again: the office goes on.

        Parameters
        ----------
        tell
            Appends an event to the log.
        changed
            Is called when the report has changed.
        """
        await asyncio.to_thread(self._history.read)
        async with asyncio.TaskGroup() as tasks:
            oracle = brain.state.oracle
            if isinstance(oracle, Oracle):
                follower = Follower(oracle, self._shelf, self._latest)
                tasks.create_task(self._again(lambda: _follow(follower, tell)))
            tasks.create_task(self._make_missing(brain, tell), name="counting")
            tasks.create_task(self._again(lambda: self._recorder.write(_now_us())))
            tasks.create_task(self._again(lambda: self._consider(brain, changed)))

    async def _make_missing(self, brain: Brain, tell: Tell) -> None:
        try:
            models, folder = brain.state.models, self._data_dir / "models"
            await make_missing(models, folder, tell, _now_us)
        except OSError:
            # The next controller tries again: until then there is less to predict from.
            _log.exception("the service goes on, but some graphs are not counted")

    async def _again(self, step: Callable[[], Awaitable[None]]) -> None:
        is_broken = False
        while True:
            try:
                await step()
                is_broken = False
            except Exception:
                # Once for each time that it breaks: a full disk would fill the log as well.
                if not is_broken:
                    _log.exception("the service goes on, but does not learn")
                is_broken = True
            await asyncio.sleep(self._settings.look_s)

    async def _consider(self, brain: Brain, changed: Callable[[], None]) -> None:
        """Train if it is due and disturbs no critical run."""
        facts = self._facts(brain)
        state, detail = self._state(facts)
        is_quiet = self._settings.box not in brain.critical_boxes()
        if state == "waiting" and not detail and is_quiet:
            await self._train(brain, facts, changed)
            facts = self._facts(brain)
            state, detail = self._state(facts)
        elif not is_quiet and not detail:
            detail = "a critical run is in the way"
        self._show(changed, state, detail, facts)

    def _state(self, facts: Facts) -> tuple[str, str]:
        if not facts.wanted_rows:
            return "off", "FJORD_TRAIN_ROWS is 0"
        if not trainer.is_possible():
            if not self._has_told:
                self._has_told = True
                _log.warning("%s; predictions stay as they are", MISSING)
            return "off", MISSING
        return "waiting", waits_for(facts)

    async def _train(self, brain: Brain, facts: Facts, changed: Callable[[], None]) -> None:
        began_s, why = time.monotonic(), reason(facts)
        self._show(changed, "training", why, facts)
        rows, families = self._recorder.survey.rows, len(self._recorder.survey.families)
        async with trainer.training(self._recorder.folder, self._data_dir / ARTIFACT) as going:
            ending = asyncio.ensure_future(going.outcome())
            while not (await asyncio.wait({ending}, timeout=self._settings.look_s))[0]:
                going.pause(self._settings.box in brain.critical_boxes())
                self._show(changed, "paused" if going.is_paused else "training", why, facts)
            outcome = await ending
        ended = _training(outcome.answer)
        ended = replace(
            ended,
            at_us=_now_us(),
            took_s=round(time.monotonic() - began_s, 3),
            why=why,
            rows=rows,
            families=families,
            detail=outcome.failure,
        )
        _log.info("trained a cost model after %s: %s", why, ended)
        await asyncio.to_thread(self._history.add, ended)

    def _facts(self, brain: Brain) -> Facts:
        drifts = brain.state.oracle.report().drifts
        last = self._history.latest[-1] if self._history.latest else None
        survey = self._recorder.survey
        return Facts(
            now_us=_now_us(),
            wanted_rows=self._settings.train_rows,
            new_rows=max(0, survey.rows - (last.rows if last else 0)),
            families=len(survey.families),
            last_us=last.at_us if last else 0,
            took_s=last.took_s if last else 0.0,
            drift_us=drifts[-1].at_us if drifts else 0,
        )

    def _show(self, changed: Callable[[], None], state: str, detail: str, facts: Facts) -> None:
        found = Learning(
            state=state,
            detail=detail,
            rows=self._recorder.survey.rows,
            new_rows=facts.new_rows,
            trainings=self._history.latest,
        )
        if found != self._report:
            self._report = found
            changed()


async def _follow(follower: Follower, tell: Tell) -> None:
    digest = await follower.look()
    if digest is not None:
        await tell(CostModelChanged(at_us=_now_us(), digest=digest))


def _training(answer: dict[str, Any]) -> Training:
    return Training(
        at_us=0,
        took_s=0.0,
        why="",
        rows=0,
        families=0,
        replaced=bool(answer.get("replaced")),
        champion=str(answer.get("champion", "")),
        champion_loss=answer.get("champion_loss"),
        challenger_loss=answer.get("challenger_loss"),
        held_out=tuple(answer.get("held_out_families", ())),
        digest=str(answer.get("digest") or ""),
    )


def _now_us() -> int:
    return time.time_ns() // 1_000
