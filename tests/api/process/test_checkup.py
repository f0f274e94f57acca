import socket
from dataclasses import replace
from pathlib import Path

import pytest

from api.process import checkup
from api.process.checkup import State, checks
from api.process.settings import Settings


def found(settings: Settings, check: str) -> checkup.Finding:
    return next(finding for finding in checks(settings) if finding.check == check)


def test_port_of_another_is_bad_and_says_how_to_choose_one(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finding = found(replace(settings, port=taken.getsockname()[1]), "port")
    assert finding.state is State.BAD
    assert "--port" in finding.do


def test_data_folder_that_is_a_file_is_bad(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    finding = found(Settings(data_dir=tmp_path / "data"), "data folder")
    assert finding.state is State.BAD
    assert "--data" in finding.do
    assert found(Settings(data_dir=tmp_path / "new" / "deep"), "data folder").state is State.OK


def test_address_of_a_store_is_not_shown(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, store_url="redis://:secret@there:6379")
    assert "secret" not in found(settings, "store").found


@pytest.mark.parametrize(("flags", "state"), [("fpu avx2 fma", State.OK), ("fpu avx", State.NOTE)])
def test_processor_without_avx2_is_noted(
    flags: str, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor: 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr(checkup, "_CPUINFO", cpuinfo)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert found(Settings(data_dir=tmp_path), "processor").state is state
