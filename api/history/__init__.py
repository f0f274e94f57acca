"""The archive of what has ended: written by one process, read by all routes."""

from api.history.archive import Archive, Limits
from api.history.process import keep_history
from api.history.queries import Place, RunQuery
from api.history.reader import Reader

__all__ = ["Archive", "Limits", "Place", "Reader", "RunQuery", "keep_history"]
