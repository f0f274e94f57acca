"""The story of a run as it grows, bounded: of a long one the oldest lines of the middle go."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from scheduler.control.records.story import RunStory, StoryLine

FIRST_LINES = 200
"""Lines kept from the beginning of a story: a run of 50 operations is told whole by so many."""
LAST_LINES = 200
"""Lines kept from its end."""


@dataclass(slots=True)
class Story:
    """Lines of a run in the order of its transitions.

    Parameters
    ----------
    first, last
        The lines before and after the gap, if there is one.
    left_out
        Number of lines in the gap.

    Examples
    --------
    >>> from scheduler.control.records.story import Trigger
    >>> story = Story()
    >>> for at_us in range(500):
    ...     story.add(StoryLine(at_us, "r/a", 1, "waiting", "dispatched", Trigger.SENT))
    >>> told = story.told("r", 0)
    >>> len(told.lines), told.left_out, told.lines[200].at_us
    (400, 100, 300)
    """

    first: list[StoryLine] = field(default_factory=list)
    last: deque[StoryLine] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    left_out: int = 0

    def add(self, line: StoryLine) -> None:
        """Go on with the story."""
        if len(self.first) < FIRST_LINES:
            self.first.append(line)
        else:
            self.left_out += len(self.last) == LAST_LINES
            self.last.append(line)

    def told(self, run: str, submitted_us: int) -> RunStory:
        """Give the story as a record."""
        return RunStory(
            run=run,
            submitted_us=submitted_us,
            lines=(*self.first, *self.last),
            left_out=self.left_out,
            left_out_after=len(self.first) if self.left_out else 0,
        )
