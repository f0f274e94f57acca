"""Folders of tensors go with their sites, and never while somebody may still ask for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import tensor_folders
from devices.tensor_folders import default_root, held_root, remove_abandoned

HOLD = """
import sys
from pathlib import Path
from devices import tensor_folders
from devices.tensor_folders import held_root
tensor_folders._SHARED = Path(sys.argv[1])
with held_root("there", "box", Path(sys.argv[2])) as root:
    print(root, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shared memory of this test's own: the user's own sites are none of its business."""
    shared = tmp_path / "memory"
    shared.mkdir()
    monkeypatch.setattr(tensor_folders, "_SHARED", shared)
    return shared


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def elsewhere(memory: Path, data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the site `there`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(memory), str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        process.kill()


def left_behind(site: str, data_dir: Path) -> Path:
    """Hold a folder, put a tensor there, and let go of it."""
    with held_root(site, "box", data_dir) as root:
        (root / "r-1").mkdir()
        (root / "r-1" / "x").write_bytes(b"tensor")
    return root


def test_tensors_of_a_site_whose_data_folder_is_gone_are_removed(data_dir: Path) -> None:
    root = left_behind("gone", data_dir)
    shutil.rmtree(data_dir)
    assert remove_abandoned() == 1
    assert os.listdir(root.parent.parent) == [".lock"]


def test_tensors_stay_while_the_data_folder_does(data_dir: Path) -> None:
    root = left_behind("kept", data_dir)
    assert remove_abandoned() == 0
    assert (root / "r-1" / "x").exists()


def test_tensors_stay_while_any_data_folder_of_the_site_does(
    data_dir: Path, tmp_path: Path
) -> None:
    root = left_behind("shared", data_dir)
    left = tmp_path / "second"
    left.mkdir()
    with held_root("shared", "other-box", left):
        pass
    shutil.rmtree(data_dir)
    assert remove_abandoned() == 0
    assert (root / "r-1" / "x").exists()
    left.rmdir()
    assert remove_abandoned() == 1


def test_tensors_stay_while_another_process_holds_them(
    elsewhere: subprocess.Popen[str], data_dir: Path
) -> None:
    data_dir.rmdir()
    assert remove_abandoned() == 0
    assert default_root("there", "box").is_dir()
    elsewhere.kill()
    elsewhere.wait()
    assert remove_abandoned() == 1


def test_site_that_comes_up_again_writes_nothing_as_its_memory_may_be_full(
    data_dir: Path,
) -> None:
    folder = left_behind("full", data_dir).parent
    before = folder.stat().st_mtime_ns, os.listdir(folder)
    with held_root("full", "box", data_dir):
        assert (folder.stat().st_mtime_ns, os.listdir(folder)) == before


def test_folder_that_names_no_data_folder_is_left_alone(memory: Path) -> None:
    root = default_root("unknown", "box")
    root.mkdir(parents=True)
    (root.parent / tensor_folders._NOTE).write_text("cut off")
    assert remove_abandoned() == 0
    assert root.is_dir()


def test_removal_that_was_broken_off_is_completed(memory: Path) -> None:
    private = default_root("any", "box").parent.parent
    half = private / f"{tensor_folders._DOOMED}1"
    (half / "box").mkdir(parents=True)
    remove_abandoned()
    assert not half.exists()


def test_links_are_not_followed(memory: Path, data_dir: Path, tmp_path: Path) -> None:
    root = left_behind("real", data_dir)
    outside = tmp_path / "outside"
    root.parent.rename(outside)
    root.parent.symlink_to(outside)
    shutil.rmtree(data_dir)
    assert remove_abandoned() == 0
    assert (outside / "box" / "r-1" / "x").exists()


def test_link_in_the_place_of_the_users_folder_is_refused(memory: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (memory / f"fjord-{os.getuid()}").symlink_to(tmp_path / "home")
    with pytest.raises(PermissionError, match="belongs to another user"):
        remove_abandoned()
