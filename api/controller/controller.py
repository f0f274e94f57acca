"""A candidate for the office of controller: waits for the lease, holds it, loses it, waits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from api.controller.intake import BrokenEvent
from api.controller.office import Office
from api.controller.settings import ControllerSettings, ControllerStatus
from api.controller.solver_process import SearchTimes, SolverProcess
from api.learning.learning import CostLearning
from api.process.garbage import look_again
from api.process.stalls import LoopStalls
from api.store import Lease, Store
from scheduler.model.errors import InvalidCheckpoint, StaleEpoch, Unavailable

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

_log = logging.getLogger(__name__)

NO_BEGINNING_S = 10.0
"""Pause after a look at a store that has neither a checkpoint that can be read nor a whole log."""


class Controller:
    """Runs a fresh brain whenever the lease can be had. Any number of candidates may run.

    Parameters
    ----------
    make_brain
        Makes a brain that knows nothing.
    stalls
        Watches the loop that this runs on: a loop that does not move loses the office.
    learning
        Learns from measurements while the office is held; ``None`` for no learning.
    supervisor
        Name of what starts one process of a service after the other, each once the one before has
        ended: the lease that a dead one left behind is not waited for.
    """

    def __init__(
        self,
        store: Store,
        make_brain: Callable[[], Brain],
        solver: SolverProcess,
        stalls: LoopStalls,
        settings: ControllerSettings | None = None,
        *,
        learning: CostLearning | None = None,
        supervisor: str = "",
    ) -> None:
        self._store = store
        self._make_brain = make_brain
        self._solver = solver
        self._stalls = stalls
        self._settings = settings or ControllerSettings()
        self._learning = learning
        self._ended = f"{supervisor}." if supervisor else ""
        # Host and process id help a person who reads the lease; the rest makes it unique.
        own = f"{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
        self.id = f"{self._ended}{own}"
        self.status = ControllerStatus()

    @property
    def searches(self) -> SearchTimes:
        """Times of the searches for better plans."""
        return self._solver.times

    async def run(self) -> None:
        """Hold the office whenever it is free, until cancelled."""
        while True:
            try:
                lease_ms, ended = self._settings.lease_ms, self._ended
                lease = await self._store.take_lease(self.id, lease_ms, ended=ended)
                if lease is not None:
                    await self._hold(lease)
            except Unavailable as error:
                _log.warning("no office for now: %s", error)
            await asyncio.sleep(self._settings.standby_s)

    async def _hold(self, lease: Lease) -> None:
        _log.info("controller %s takes office, epoch %d", self.id, lease.epoch)
        office = Office(
            self._store,
            lease,
            self._make_brain,
            self._solver,
            self._settings,
            self.status,
            self._stalls,
            learning=self._learning,
        )
        self.status.epoch = lease.epoch
        in_order = True
        try:
            await office.hold()
        except* StaleEpoch:
            _log.warning("controller %s lost the office of epoch %d", self.id, lease.epoch)
        except* BrokenEvent as broken:
            self.status.defects += 1
            _log.error("a defect: the log is folded without it", exc_info=broken)
        except* InvalidCheckpoint as lost:
            self.status.defects += 1
            _log.error("no office without a beginning: %s", *lost.exceptions)
            # Nothing but a person, or another release, can mend that.
            await asyncio.sleep(NO_BEGINNING_S)
        except* Exception:
            # The office is given up and taken again: whatever broke starts anew from the log, and
            # the trail tells on which event, should it break there again.
            in_order = False
            self.status.defects += 1
            _log.exception("controller %s broke in epoch %d", self.id, lease.epoch)
        finally:
            self.status.in_office = False
            # The brain of this office goes.
            look_again()
            with contextlib.suppress(Unavailable):
                await self._store.resign(lease, in_order=in_order)
