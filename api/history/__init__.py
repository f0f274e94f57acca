"""The archive of what has ended: written by one process, read by all routes."""

from api.history.archive import Archive, HistoryLimits
from api.history.process import keep_history
from api.history.queries import Cursor, RunQuery
from api.history.reader import Reader

__all__ = ["Archive", "Cursor", "HistoryLimits", "Reader", "RunQuery", "keep_history"]
