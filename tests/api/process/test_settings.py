"""Limits from the environment, and their defaults."""

from __future__ import annotations

import pytest

from api.process.settings import MIB, MOST_CHECK_BYTES, Settings
from devices.box.host import memory_bytes
from scheduler.model.errors import InvalidInput


def test_memory_of_a_check_is_half_of_the_box_within_bounds_unless_it_is_given() -> None:
    derived = Settings.from_environment({}).check_bytes
    assert derived == min(MOST_CHECK_BYTES, memory_bytes() // 2)
    assert Settings.from_environment({"FJORD_CHECK_MIB": "256"}).check_bytes == 256 * MIB


@pytest.mark.parametrize("given", ["255", "-1", "half", ""])
def test_memory_of_a_check_that_is_too_little_or_no_number_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match=r"FJORD_CHECK_MIB must be 0 or .* from 256 up; got"):
        Settings.from_environment({"FJORD_CHECK_MIB": given})


@pytest.mark.parametrize("given", ["", "..", ".hidden", "n" * 65])
@pytest.mark.parametrize("name", ["FJORD_SITE", "FJORD_BOX"])
def test_a_name_that_is_no_folder_of_its_own_is_refused(name: str, given: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} must have 1 to 64 characters and not begin"):
        Settings.from_environment({name: given})


def test_seconds_of_grace_must_be_a_whole_number() -> None:
    assert Settings.from_environment({"FJORD_UNPLACEABLE_S": "5"}).unplaceable_s == 5
    with pytest.raises(InvalidInput, match="FJORD_UNPLACEABLE_S must be a whole number"):
        Settings.from_environment({"FJORD_UNPLACEABLE_S": "1.5"})


def test_history_is_kept_for_a_week_or_a_gibibyte() -> None:
    settings = Settings.from_environment({})
    assert (settings.history_days, settings.history_bytes) == (7.0, 2**30)


def test_history_is_kept_as_the_environment_says() -> None:
    said = {"FJORD_HISTORY_DAYS": "0.5", "FJORD_HISTORY_BYTES": "0"}
    settings = Settings.from_environment(said)
    assert (settings.history_days, settings.history_bytes) == (0.5, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FJORD_HISTORY_DAYS", "-1"),
        ("FJORD_HISTORY_DAYS", "nan"),
        ("FJORD_HISTORY_DAYS", "inf"),
        ("FJORD_HISTORY_DAYS", "a week"),
        ("FJORD_HISTORY_BYTES", "-1"),
        ("FJORD_HISTORY_BYTES", "1 GiB"),
    ],
)
def test_bad_setting_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=name) as refused:
        Settings.from_environment({name: value})
    assert refused.value.field == name


@pytest.mark.parametrize(("text", "kept"), [(None, False), ("0", False), ("1", True)])
def test_log_is_kept_whole_only_where_that_is_wanted(text: str | None, kept: bool) -> None:
    environment = {} if text is None else {"FJORD_KEEP_LOG": text}
    assert Settings.from_environment(environment).keep_log is kept


@pytest.mark.parametrize("text", ["", "yes", "2"])
def test_anything_else_about_the_log_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="FJORD_KEEP_LOG must be 0 or 1; got"):
        Settings.from_environment({"FJORD_KEEP_LOG": text})
