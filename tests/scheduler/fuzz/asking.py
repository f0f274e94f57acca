"""Questions by number: the same number gives the same question in every run."""

from __future__ import annotations

from functools import cache
from random import Random

from tests.scheduler.fuzz.cases import Case, known, read
from tests.scheduler.fuzz.changing import near
from tests.scheduler.fuzz.drawing import drawn

NEAR = 3
"""Each third question is near a case that was wrong once."""


def question(number: int) -> Case:
    if number % NEAR:
        return drawn(number)
    random = Random(number)
    return near(random.choice(_known()), random)


@cache
def _known() -> tuple[Case, ...]:
    return tuple(map(read, known()))
