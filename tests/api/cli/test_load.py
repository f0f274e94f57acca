"""``fjord load``: it ends by itself, and asks for bounds."""

import pytest

from api.cli.app import run


def test_load_is_made_and_ends() -> None:
    assert run(["load", "--kind", "bursty", "--seconds", "0.1"]) == 0


@pytest.mark.parametrize(
    ("arguments", "law"),
    [
        (["--kind", "disk"], "kind must be one of compute, memory, mixed, bursty; got 'disk'"),
        (["--seconds", "601"], "seconds must be above 0 and at most 600; got 601"),
    ],
)
def test_load_without_bounds_is_bad_input(
    arguments: list[str], law: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["load", *arguments]) == 2
    assert law in capsys.readouterr().err
