"""Many runs waited for at once, with one request for all of them."""

from __future__ import annotations

import time
from collections.abc import Iterable

from fjord.client.calls.asking import get, run_of, run_path
from fjord.client.wire import Json, Pause, Run, Steps

FIRST_PAUSE_S, LONGEST_PAUSE_S, LONGER = 0.05, 0.5, 1.5
"""Between two looks; each pause in which nothing ends makes the next one longer."""
FIRST_LISTED, MOST_LISTED = 50, 1_000
"""Runs of one list: the first, and as many as the service gives."""


class Waiting:
    """Runs of which some have not been seen to end.

    Parameters
    ----------
    timeout_s
        Seconds from now until all must have ended.
    """

    def __init__(self, runs: Iterable[Run | str], timeout_s: float) -> None:
        given = [run if isinstance(run, Run) else Run(run) for run in runs]
        self._ended = [run for run in given if run.is_final]
        self._left = {run.id for run in given if not run.is_final}
        self._timeout_s = timeout_s
        self._deadline_s = time.monotonic() + timeout_s
        self._listed = min(MOST_LISTED, FIRST_LISTED + len(self._left))

    def __bool__(self) -> bool:
        return bool(self._ended or self._left)

    def next_ended(self) -> Steps[list[Run]]:
        """Wait until some have ended, and give them in the order of their ends.

        Raises
        ------
        TimeoutError
            If none ends in time.
        """
        ended, self._ended = self._ended, []
        pause_s = FIRST_PAUSE_S
        while not ended:
            found = yield from self._look()
            ended = sorted((run for run in found if run.is_final), key=_end)
            if ended:
                break
            if time.monotonic() >= self._deadline_s:
                waited = f"after {self._timeout_s:g} s"
                raise TimeoutError(f"{len(self._left)} runs have not ended {waited}")
            yield Pause(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * LONGER)
        self._left -= {run.id for run in ended}
        return ended

    def _look(self) -> Steps[list[Run]]:
        """Look up all that are left: in one list where it holds them, else one by one."""
        while True:
            answer = yield from get("/v1/runs", limit=str(self._listed))
            records: list[Json] = answer["runs"]
            found = [run_of(record) for record in records if record["run"] in self._left]
            missing = self._left - {run.id for run in found}
            is_all = len(records) < self._listed or self._listed == MOST_LISTED
            if not missing or is_all:
                break
            self._listed = min(MOST_LISTED, 2 * self._listed)
        for run in sorted(missing):
            found.append(run_of((yield from get(run_path(run)))))
        return found


def _end(run: Run) -> int:
    return run.record.get("ended_us") or 0
