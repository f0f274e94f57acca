"""Times models on chosen cores for data sets: a pinned process per machine carries out requests."""

from devices.collecting.protocol import Ask, Told
from devices.collecting.runner import Runner, RunnerDied

__all__ = ["Ask", "Runner", "RunnerDied", "Told"]
