from __future__ import annotations

import gc

from api.process.garbage import OLDEST, Collections, short_collections
from api.process.stalls import LoopStalls


class Circle:
    def __init__(self) -> None:
        self.itself = self


def test_what_outlived_a_long_collection_is_not_looked_at_again() -> None:
    with short_collections(LoopStalls()):
        alive = [[number] for number in range(1_000_000)]
        gc.collect()
        assert gc.get_freeze_count() > len(alive) / 2
    assert gc.get_freeze_count() == 0


def test_short_collection_leaves_everything_in_sight() -> None:
    before = gc.get_freeze_count()
    follower = Collections(LoopStalls())
    follower("start", {"generation": OLDEST})
    follower("stop", {"generation": OLDEST})
    assert gc.get_freeze_count() == before


def test_circles_that_came_later_are_still_collected() -> None:
    with short_collections(LoopStalls()):
        alive = [[number] for number in range(1_000_000)]
        gc.collect()
        Circle()
        assert gc.collect() >= 1
        assert alive
