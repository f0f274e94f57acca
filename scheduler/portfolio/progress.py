"""Progress of a search, for a caller who watches it, and its cancellation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from scheduler.solvers.search import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchProgress:
    """State of a search at a moment.

    Parameters
    ----------
    elapsed_s
        Seconds since the search began.
    value
        Best value so far; ``None`` without a plan.
    bound
        Largest proven lower bound so far.
    claimed_by
        Engine that alone claims the bound; see `Result`.
    found_by
        Member that found the best plan.
    """

    elapsed_s: float
    value: int | None
    bound: int | None
    found_by: str
    claimed_by: str = ""


Listener = Callable[[SearchProgress], None]


class Cancelled(Exception):
    """The search was cancelled while it was prepared."""


class Cancellation:
    """Handle by which another thread ends a search; the best plan so far is the answer.

    Examples
    --------
    >>> cancel = Cancellation()
    >>> cancel.cancel()
    >>> cancel.is_cancelled
    True
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._searches: list[Search] = []
        self.is_cancelled = False

    def cancel(self) -> None:
        """End the search, or one that has yet to begin."""
        with self._lock:
            self.is_cancelled = True
            for search in self._searches:
                search.cancel()

    def pause(self) -> None:
        """Raise if cancelled; called between pieces of work before a search exists.

        Raises
        ------
        Cancelled
            If `cancel` was called.
        """
        if self.is_cancelled:
            raise Cancelled

    def watch(self, search: Search) -> None:
        """End this search as well, once cancelled."""
        with self._lock:
            self._searches.append(search)
            if self.is_cancelled:
                search.cancel()
