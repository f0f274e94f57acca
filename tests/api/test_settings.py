"""What the environment says is read, and refused where it makes no sense."""

from __future__ import annotations

import pytest

from api.settings import Settings
from scheduler.model.errors import InvalidInput


@pytest.mark.parametrize(("text", "kept"), [(None, False), ("0", False), ("1", True)])
def test_log_is_kept_whole_only_where_that_is_wanted(text: str | None, kept: bool) -> None:
    environment = {} if text is None else {"FJORD_KEEP_LOG": text}
    assert Settings.from_environment(environment).keep_log is kept


@pytest.mark.parametrize("text", ["", "yes", "2"])
def test_anything_else_about_the_log_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="FJORD_KEEP_LOG must be 0 or 1; got"):
        Settings.from_environment({"FJORD_KEEP_LOG": text})
