"""`fjord runs explain` says by which versions a run is planned and ran."""

from __future__ import annotations

import pytest

from api.cli.runs import print_versions


def test_versions_of_each_provider_are_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    operation = {"provider": "openvino", "runtime": "1.31.1", "plug_in": "1.24.1"}
    print_versions([operation, operation, {"provider": "", "runtime": "", "plug_in": ""}])
    _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split() for row in rows] == [["openvino", "1.31.1", "1.24.1"]]


def test_record_of_before_says_that_no_version_is_recorded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_versions([{"provider": "cpu"}])
    assert "no version is recorded" in capsys.readouterr().out
