"""The archive of ended runs: written by one process, read by all routes.

Begin with `reader.py` for reading, and with `process.py` and `historian.py` for the process that
takes ended runs out of the store's queue. `archive.py` is the one writer, `schema.py` the tables.
The room imports the store.
"""

from api.history.archive import Archive, HistoryLimits
from api.history.process import keep_history
from api.history.queries import Cursor, RunQuery
from api.history.reader import Reader

__all__ = ["Archive", "Cursor", "HistoryLimits", "Reader", "RunQuery", "keep_history"]
