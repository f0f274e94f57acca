"""Another checkout that benchmarks run beside this one."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from benchmarks.sites import HERE, add_beside, checkouts


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_beside(parser)
    return parser.parse_args(arguments)


def test_checkout_without_an_environment_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed("--beside", str(tmp_path))
    assert f"must have an environment in .venv; got {tmp_path}" in capsys.readouterr().err


def test_only_this_checkout_is_measured_if_no_other_is_named() -> None:
    assert checkouts(parsed().beside) == {"this": HERE}
