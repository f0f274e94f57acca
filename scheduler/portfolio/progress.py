"""How a caller watches a search, and how it ends one early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from scheduler.solvers.search import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchProgress:
    """What is known so far.

    Parameters
    ----------
    elapsed_s
        Seconds since the search began.
    value
        Best value so far; ``None`` without a plan.
    bound
        Largest proven lower bound so far.
    claimed_by
        Engine on whose word alone the bound is; see `Result`.
    found_by
        Which member found the best plan.
    """

    elapsed_s: float
    value: int | None
    bound: int | None
    found_by: str
    claimed_by: str = ""


Listener = Callable[[SearchProgress], None]


class Cancelled(Exception):
    """Somebody ended what was being prepared."""


class Cancellation:
    """With which another thread ends a search; what was found until then is the answer.

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
        """Look whether it is cancelled, between pieces of what no search can end yet.

        Raises
        ------
        Cancelled
            If it is.
        """
        if self.is_cancelled:
            raise Cancelled

    def watch(self, search: Search) -> None:
        """End this search, too, once cancelled."""
        with self._lock:
            self._searches.append(search)
            if self.is_cancelled:
                search.cancel()
