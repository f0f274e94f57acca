from __future__ import annotations

import pytest

from api.settings import Settings
from scheduler.model.errors import InvalidInput


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
