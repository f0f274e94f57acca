"""Stops running operations: by request where the provider heeds it, else with their worker."""

from __future__ import annotations

import sys

from devices.agent.brain.instructions import CancelOnWorker, KillWorker
from devices.agent.brain.lane import Lane, Lanes, RunningOperation
from devices.agent.brain.outbox import Outbox
from scheduler.model.messages import FailureReason

# A worker that is asked to stop does so at the next node of its graph (119 ms is the longest seen).
STOP_GRACE_US = 2_000_000
# Ending a worker costs a start and all its warm sessions: one that is nearly done is left alone.
WORTH_KILLING_US = 1_000_000


class Stopping:
    """Stops operations that are not wanted any more, or run too long."""

    def __init__(self, lanes: Lanes, out: Outbox) -> None:
        self._lanes = lanes
        self._out = out

    @property
    def wake_us(self) -> int | None:
        """Moment at which an operation will have run too long; ``None`` if none can."""
        return min(
            (
                lane.running.kill_at_us
                for lane in self._lanes
                if lane.running and lane.running.kill_at_us is not None and not lane.is_ending
            ),
            default=None,
        )

    def stop(self, lane: Lane, running: RunningOperation, at_us: int) -> None:
        """Stop an operation that is not wanted any more."""
        running.ending = FailureReason.CANCELLED
        if lane.terminates(running.dispatch.provider):
            running.kill_at_us = at_us + STOP_GRACE_US
            operation, attempt = running.identity
            self._out.put(
                CancelOnWorker(machine=lane.report.id, operation=operation, attempt=attempt)
            )
        elif running.left_us(at_us) > WORTH_KILLING_US:
            self._kill(lane, running, FailureReason.CANCELLED)
        else:
            # Work that is nearly done ends by itself within the grace; work that hangs never does.
            running.kill_at_us = min(running.kill_at_us or sys.maxsize, at_us + STOP_GRACE_US)

    def end_overdue(self, at_us: int) -> None:
        """End the workers of operations that run too long."""
        for lane in self._lanes:
            running = lane.running
            if running is None or lane.is_ending or running.kill_at_us is None:
                continue
            if running.kill_at_us <= at_us:
                self._kill(lane, running, running.ending or FailureReason.TIMEOUT)

    def _kill(self, lane: Lane, running: RunningOperation, reason: FailureReason) -> None:
        running.ending, lane.is_ending = reason, True
        text = f"ended to stop {running.dispatch.operation}: {reason.value}"
        self._out.put(KillWorker(machine=lane.report.id, reason=text))
