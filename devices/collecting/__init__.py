"""Times models on chosen cores for data sets: a pinned process per machine carries out requests.

`runner.py` is the side of the caller, `serving.py` and `stopwatch.py` that of the process, with
`protocol.py` between. May import `runtime`, `sensing` and `models`. Begin with `runner.py`.
"""

from devices.collecting.protocol import Ask, Told
from devices.collecting.runner import Runner, RunnerDied

__all__ = ["Ask", "Runner", "RunnerDied", "Told"]
