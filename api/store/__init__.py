"""The one door to Redis: everything that the service keeps, behind the class `Store`."""

from api.store.checkpoints import KEPT, Head, Keeping, order, pack, unpack
from api.store.log import FIRST, queued
from api.store.office import Batch, Lease, Store
from api.store.questions import Answer, Inbox, Position, Question
from api.store.runs import Change, ViewChanged
from api.store.trail import SetAside, Trail

__all__ = [
    "FIRST",
    "KEPT",
    "Answer",
    "Batch",
    "Change",
    "Head",
    "Inbox",
    "Keeping",
    "Lease",
    "Position",
    "Question",
    "SetAside",
    "Store",
    "Trail",
    "ViewChanged",
    "order",
    "pack",
    "queued",
    "unpack",
]
