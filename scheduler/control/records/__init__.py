"""All that the brain shows: runs, operations, reasons, the view of a site, and stories.

Costs and plans as history keeps them are in modules of their own (`costs`, `plans`). A record is
data alone; the room imports nothing but `scheduler.model`.

Examples
--------
>>> record = RunRecord(
...     run="r-1", kind="run", workload="ocr@1", state=RunState.QUEUED, band=1, submitted_us=0
... )
>>> record.state.value, record.operations
('queued', ())
"""

from scheduler.control.records.reasons import (
    Ahead,
    Cause,
    InversionKind,
    OperationState,
    Reason,
    ReplanReason,
    RunState,
)
from scheduler.control.records.runs import (
    AttemptRecord,
    Candidate,
    Inversion,
    OperationRecord,
    RunRecord,
    is_missed,
)
from scheduler.control.records.site import (
    KeptWindow,
    LeftOut,
    MachineView,
    Preemption,
    Preview,
    SiteView,
)
from scheduler.control.records.story import RunStory, StoryLine, Trigger

__all__ = [
    "Ahead",
    "AttemptRecord",
    "Candidate",
    "Cause",
    "Inversion",
    "InversionKind",
    "KeptWindow",
    "LeftOut",
    "MachineView",
    "OperationRecord",
    "OperationState",
    "Preemption",
    "Preview",
    "Reason",
    "ReplanReason",
    "RunRecord",
    "RunState",
    "RunStory",
    "SiteView",
    "StoryLine",
    "Trigger",
    "is_missed",
]
