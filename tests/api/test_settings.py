"""What the environment may say of limits, and what it says where it says nothing."""

from __future__ import annotations

import pytest

from api.settings import MIB, MOST_CHECK_BYTES, Settings
from devices.runtime.host import memory_bytes
from scheduler.model.errors import InvalidInput


def test_memory_of_a_check_is_half_of_the_box_within_bounds_unless_it_is_given() -> None:
    derived = Settings.from_environment({}).check_bytes
    assert derived == min(MOST_CHECK_BYTES, memory_bytes() // 2)
    assert Settings.from_environment({"FJORD_CHECK_MIB": "256"}).check_bytes == 256 * MIB


@pytest.mark.parametrize("given", ["255", "-1", "half", ""])
def test_memory_of_a_check_that_is_too_little_or_no_number_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match=r"FJORD_CHECK_MIB must be 0 or .* from 256 up; got"):
        Settings.from_environment({"FJORD_CHECK_MIB": given})


def test_seconds_of_grace_must_be_a_whole_number() -> None:
    assert Settings.from_environment({"FJORD_UNPLACEABLE_S": "5"}).unplaceable_s == 5
    with pytest.raises(InvalidInput, match="FJORD_UNPLACEABLE_S must be a whole number"):
        Settings.from_environment({"FJORD_UNPLACEABLE_S": "1.5"})
