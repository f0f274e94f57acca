"""The lease is renewed from a thread of its own, so that no work of its holder can lose it."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Callable

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from api.store.scripts import HOLD_LEASE
from scheduler.model import keys

RENEWALS = 6
"""Renewals in the life of a lease. A handler in pure Python delays this thread by a few switch
intervals of 5 ms, a call into C that keeps the interpreter (encoding, collecting garbage) by all of
its time, a box at load 40 by some tenths of a second: five renewals in a row must come too late
before the lease runs out."""
ANSWER_SHARE = 0.5
"""A store that has not answered for this part of the lease is asked again on a new connection."""
RETRY_SHARE = 1 / 60
"""Pause after a failed renewal, as a part of the lease."""

_log = logging.getLogger(__name__)


class LeaseKeeper:
    """Renews a lease while the loop of its holder moves. It shares no loop and no lock with it.

    A lease that ran out while nobody else took office is taken again, with the same epoch.

    Parameters
    ----------
    value, epoch
        Value of the lease's key, and its epoch.
    turns
        Counts the turns of the holder's loop: as long as it stands still the loop does.
    wedged_s
        A loop that stands still for so long has lost its office: the lease runs out.
    on_lost
        Called once, from the thread, when another has taken office.
    """

    def __init__(
        self,
        url: str,
        site: str,
        *,
        value: str,
        epoch: int,
        ttl_ms: int,
        turns: Callable[[], int],
        wedged_s: float,
        on_lost: Callable[[], object],
    ) -> None:
        self._client = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=ttl_ms / 1000 * ANSWER_SHARE,
            retry=Retry(NoBackoff(), 0),
        )
        self._hold = self._client.register_script(HOLD_LEASE.text)
        self._keys = [keys.lease(site), keys.epoch(site)]
        self._arguments: list[str | int] = [value, epoch, ttl_ms]
        self._period_s = ttl_ms / 1000 / RENEWALS
        self._retry_s = ttl_ms / 1000 * RETRY_SHARE
        self._turns = turns
        self._wedged_s = wedged_s
        self._on_lost = on_lost
        self._loop_thread = threading.get_ident()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    async def stop(self) -> None:
        """Renew no more; on return no renewal is under way."""
        self._ends.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        seen, still_s, pause_s = self._turns(), 0.0, 0.0
        while not self._ends.wait(pause_s):
            turns = self._turns()
            # The sum of our own pauses, not a clock: while the whole process sleeps nothing counts.
            was_s, still_s = still_s, 0.0 if turns != seen else still_s + pause_s
            seen, pause_s = turns, self._period_s
            if still_s >= self._wedged_s:
                if was_s < self._wedged_s:
                    self._tell_wedged()
                continue
            try:
                if not self._renewed():
                    self._on_lost()
                    break
            except (RedisError, OSError) as error:
                _log.warning("the lease is not renewed for now: %s", error)
                pause_s = self._retry_s
        self._client.close()

    def _renewed(self) -> bool:
        answer = self._hold(keys=self._keys, args=self._arguments)
        if answer == 2:
            _log.warning("the lease had run out and nobody took office: it goes on")
        return bool(answer)

    def _tell_wedged(self) -> None:
        frame = sys._current_frames().get(self._loop_thread)
        where = "".join(traceback.format_stack(frame)) if frame is not None else "nobody knows\n"
        _log.error(
            "the loop has not moved for %g s: its lease is left to run out. It is at\n%s",
            self._wedged_s,
            where,
        )
