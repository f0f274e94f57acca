"""Events that may have ended the controller before, and the trail written before they are tried."""

from __future__ import annotations

from collections.abc import Sequence

from api.store import Trail

PAGE = 256
"""Events of a fold whose trail is written at once. After a death among them each gets its own."""
TURN = 64
"""Events whose effects are written at once. A death among them leaves so many under suspicion."""
DEATHS = 2
"""An event during which so many controllers ended is set aside."""


class Suspects:
    """Narrows down which event ends controllers. Pure: it is told of each event in order.

    A death among several events leaves all of them under suspicion, and each is tried alone. A
    death during one alone is counted against it.

    Parameters
    ----------
    trail
        Events that the controller before was taking in; ``None`` if it left in order.
    entries
        Ids of the events of that trail that are in the log.
    """

    def __init__(self, trail: Trail | None, entries: Sequence[str]) -> None:
        deaths = trail.deaths + 1 if trail is not None and len(entries) == 1 else 0
        self._deaths = dict.fromkeys(entries, deaths)
        self._left = 0

    def guilty(self) -> list[str]:
        """Ids of the events to be set aside."""
        return [entry for entry, deaths in self._deaths.items() if deaths >= DEATHS]

    def before(self, entry: str) -> Trail | None:
        """The trail to be written before this event is tried; ``None`` if the last covers it."""
        deaths = self._deaths.pop(entry, None)
        if deaths is not None:
            self._left = 0
            return Trail(start=entry, count=1, deaths=deaths)
        if self._left:
            self._left -= 1
            return None
        self._left = PAGE - 1
        return Trail(start=entry, count=PAGE)


def after(entry: str) -> Trail:
    """The trail of a controller that has taken in everything up to this entry."""
    return Trail(start=f"({entry}", count=TURN)
