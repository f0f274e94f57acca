import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from api.cli.app import run

ErrorLine = Callable[[], str]


@pytest.fixture
def error_line(capsys: pytest.CaptureFixture[str]) -> ErrorLine:
    """The one line on standard error, with nothing on standard output."""

    def read() -> str:
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return err.strip()

    return read


BAD_INPUT = [
    (["nothing"], "No such command 'nothing'"),
    (["submit"], "Missing argument 'workload'"),
    (["submit", "ocr", "--input", "page.png"], "--input must be NAME=FILE; got 'page.png'"),
    (["submit", "ocr", "-i", "image=/not/there"], "--input image must name a file"),
    (["solve", "/not/there.json"], "/not/there.json: No such file or directory"),
    (["models", "upload", __file__, "--shape", "x=1,a"], "--shape must be NAME=SIZE,SIZE"),
    (["up", "--cores", "a"], "--cores must be like 0-3,6; got 'a'"),
    (["up", "--port", "70000"], "--port must be less than or equal to 65535; got '70000'"),
    (["demo", "--images", "0"], "--images must be greater than or equal to 1; got '0'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT)
def test_bad_input_is_one_clear_line_and_code_2(
    arguments: list[str], message: str, error_line: ErrorLine
) -> None:
    assert run(arguments) == 2
    assert message in error_line()


def test_no_service_is_one_clear_line_and_code_1(error_line: ErrorLine) -> None:
    assert run(["runs", "list", "--server", "http://127.0.0.1:9"]) == 1
    assert "no answer: http://127.0.0.1:9" in error_line()


def test_a_file_that_is_no_problem_is_named(tmp_path: Path, error_line: ErrorLine) -> None:
    file = tmp_path / "problem.json"
    file.write_text("{")
    assert run(["solve", str(file)]) == 2
    assert f"{file}: line 1: is no JSON" in error_line()


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_port_that_is_taken_is_said_before_anything_starts(
    command: str, tmp_path: Path, error_line: ErrorLine
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert run([command, "--port", port, "--data", str(tmp_path / "data")]) == 2
    assert f"port must be free on 127.0.0.1; got {port}" in error_line()
    assert not (tmp_path / "data").exists()


def test_without_arguments_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "demo" in capsys.readouterr().out
