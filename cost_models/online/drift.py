"""Detection of lasting changes: cumulative sums of the errors of predictions."""

from __future__ import annotations

from dataclasses import dataclass

ALLOWANCE = 0.75
"""Half of the shift, in standard deviations, that is to be found as fast as can be."""
THRESHOLD = 8.0
"""With the allowance, one false alarm in about 800 000 normal observations (Siegmund's formula)."""
CLIP = 4.0
"""One observation counts as at most so many standard deviations: three make a change, one does
not."""
LEAST = 0.05
"""A shift below this (log scale) is followed by the filter and is nothing to tell anybody."""


@dataclass(slots=True)
class Cusum:
    """Two one-sided cumulative sums, and the sum of errors since each was last zero.

    References
    ----------
    Page (1954), doi:10.1093/biomet/41.1-2.100. Errors are clipped, so that heavy tails raise no
    alarm; the present shift is the mean error since the sum left zero, as Page proposes.

    Examples
    --------
    >>> watch = Cusum()
    >>> [round(watch.add(0.3, 3.0), 1) for _ in range(4)]
    [0.0, 0.0, 0.0, 0.3]
    """

    up: float = 0.0
    down: float = 0.0
    up_errors: float = 0.0
    down_errors: float = 0.0
    up_count: int = 0
    down_count: int = 0

    def add(self, error: float, score: float) -> float:
        """Take in an error and its score in standard deviations; gives the shift, 0.0 for none."""
        score = -CLIP if score < -CLIP else CLIP if score > CLIP else score
        self.up += score - ALLOWANCE
        if self.up <= 0.0:
            self.up, self.up_errors, self.up_count = 0.0, 0.0, 0
        else:
            self.up_errors += error
            self.up_count += 1
        self.down -= score + ALLOWANCE
        if self.down <= 0.0:
            self.down, self.down_errors, self.down_count = 0.0, 0.0, 0
        else:
            self.down_errors += error
            self.down_count += 1
        if self.up <= THRESHOLD and self.down <= THRESHOLD:
            return 0.0
        return self._alarm()

    def _alarm(self) -> float:
        is_up = self.up > THRESHOLD
        errors, count = (
            (self.up_errors, self.up_count) if is_up else (self.down_errors, self.down_count)
        )
        self.up = self.down = self.up_errors = self.down_errors = 0.0
        self.up_count = self.down_count = 0
        shift = errors / count
        return shift if abs(shift) >= LEAST else 0.0
