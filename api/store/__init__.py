"""The one door to Redis: everything that the service keeps, behind the class `Store`."""

from api.store.history import HistoryPage, RunEnded, RunForgotten, WholeRun
from api.store.log import FIRST, queued
from api.store.office import Batch, Lease, Store
from api.store.questions import Answer, Inbox, Position, Question
from api.store.runs import Change, ViewChanged

__all__ = [
    "FIRST",
    "Answer",
    "Batch",
    "Change",
    "HistoryPage",
    "Inbox",
    "Lease",
    "Position",
    "Question",
    "RunEnded",
    "RunForgotten",
    "Store",
    "ViewChanged",
    "WholeRun",
    "queued",
]
