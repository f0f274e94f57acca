import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from api.process.locking import take
from api.process.site import FILE, Supervisor, command, start_of, supervising, supervisor_of
from scheduler.model.errors import StoreUnavailable, Unavailable

URL = "http://127.0.0.1:1"


def test_supervisor_is_found_while_it_holds_its_folder(tmp_path: Path) -> None:
    assert supervisor_of(tmp_path) is None
    with supervising(tmp_path, URL):
        found = supervisor_of(tmp_path)
        assert found == Supervisor(pid=os.getpid(), started=start_of(os.getpid()) or "", url=URL)
    assert supervisor_of(tmp_path) is None
    assert (tmp_path / FILE).exists()


def test_folder_has_one_supervisor(tmp_path: Path) -> None:
    law = f"process {os.getpid()} at {URL} runs Fjord in"
    with supervising(tmp_path, URL), pytest.raises(StoreUnavailable, match=law):
        supervising(tmp_path, "http://127.0.0.1:2").__enter__()


def test_command_names_the_folder_where_it_is_not_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("down", tmp_path / "a b") == f"fjord down --data '{tmp_path}/a b'"
    monkeypatch.setenv("FJORD_DATA", str(tmp_path))
    assert command("down", tmp_path) == "fjord down"


@pytest.mark.parametrize("text", ["", "7"])
def test_holder_that_does_not_say_who_it_is_is_left_alone(tmp_path: Path, text: str) -> None:
    with take(tmp_path / FILE, text), pytest.raises(Unavailable, match="only starting"):
        supervisor_of(tmp_path)


def test_process_that_started_at_another_time_is_not_taken_for_the_supervisor(
    tmp_path: Path,
) -> None:
    other = Supervisor(pid=os.getpid(), started="1", url=URL)
    with (
        take(tmp_path / FILE, msgspec.json.encode(other).decode()),
        pytest.raises(Unavailable, match="cannot be ended"),
    ):
        supervisor_of(tmp_path)


def test_process_that_is_gone_has_no_start() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert start_of(child.pid) is None
