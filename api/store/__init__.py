"""The one door to Redis: everything that the service keeps, behind the class `Store`.

`Store` is put together from one module per kind of thing, from `connection.py` up to `office.py`,
and every write is one script of `scripts.py`. `catalogue.py` holds models and workloads,
`run_ids.py` the ids of runs; `feed.py` and `live.py` hand changes on to those who wait. The room
imports no other room of `api`. Names of keys are in `scheduler/model/keys.py`, because agents use
them too.
"""

from api.store.batches import Batch
from api.store.checkpoints import KEPT, Head, Keeping, order, pack, unpack
from api.store.history import HistoryPage, RunEnded, RunForgotten, WholeRun
from api.store.log import FIRST, queued
from api.store.office import Lease, Store
from api.store.questions import Answer, Inbox, Position, Question
from api.store.queue import FINAL, NO_LIMITS, QueueLimits
from api.store.runs import Change, ViewChanged
from api.store.trail import SetAside, Trail

__all__ = [
    "FINAL",
    "FIRST",
    "KEPT",
    "NO_LIMITS",
    "Answer",
    "Batch",
    "Change",
    "Head",
    "HistoryPage",
    "Inbox",
    "Keeping",
    "Lease",
    "Position",
    "Question",
    "QueueLimits",
    "RunEnded",
    "RunForgotten",
    "SetAside",
    "Store",
    "Trail",
    "ViewChanged",
    "WholeRun",
    "order",
    "pack",
    "queued",
    "unpack",
]
