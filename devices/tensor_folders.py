"""Folders of tensors in shared memory: one per site and user, with one per box inside.

Tensors of ended runs stay for those who fetch results, so a folder outlives its processes. It goes
once nobody can ask any more: no process holds it, and the data folders that it names are gone.

A process holds a folder by a lock on it, which the kernel lets go when the process ends, however it
ends. A second lock, of the user, is held while somebody takes hold or looks for abandoned folders,
so that none of these comes between the steps of another.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISDIR
from urllib.parse import quote

_SHARED = Path("/dev/shm")
_LOCK = ".lock"
_NOTE = ".data-folders"
"""Lists the data folders of the processes that ever held a site's folder, as JSON."""
_DOOMED = ".abandoned-"
"""Begins the name of a folder that is being removed. No site is looked for behind a dot."""


def default_root(site: str, box: str) -> Path:
    """Folder of a box's tensors: in memory where the system offers it, private to this user.

    Raises
    ------
    PermissionError
        If another user has taken its place.
    """
    return private_folder() / quote(site, safe="") / quote(box, safe="")


@contextmanager
def held_root(site: str, box: str, data_dir: Path) -> Iterator[Path]:
    """Hold the folder of a box's tensors, made if need be: until the end nobody removes it.

    Parameters
    ----------
    data_dir
        The data folder of this process. While it exists, the tensors stay without a holder, too.

    Raises
    ------
    PermissionError
        If another user has taken the place of the folder.
    """
    root = default_root(site, box)
    with _locked(private_folder()):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _note(root.parent, data_dir)
        held = os.open(root.parent, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_SH)
    try:
        yield root
    finally:
        os.close(held)


def remove_abandoned() -> int:
    """Remove this user's folders that no process holds and whose data folders are gone.

    A folder that names no data folder is left alone: nothing is known of it.

    Returns
    -------
    int
        The number of sites whose tensors were removed.
    """
    private = private_folder()
    with _locked(private):
        found = [folder for folder in _folders(private) if _is_abandoned(folder)]
        for folder in found:
            with suppress(FileNotFoundError):
                folder.rename(private / f"{_DOOMED}{os.urandom(8).hex()}")
        # Others may be half removed: whoever began with them may have been killed over it.
        doomed = [folder for folder in private.glob(f"{_DOOMED}*") if folder.is_dir()]
    for folder in doomed:
        shutil.rmtree(folder, ignore_errors=True)
    return len(found)


def private_folder() -> Path:
    """The folder of this user, in memory where the system offers it; made if need be.

    Raises
    ------
    PermissionError
        If another user has taken its place.
    """
    base = _SHARED if os.access(_SHARED, os.W_OK) else Path(tempfile.gettempdir())
    private = base / f"fjord-{os.getuid()}"
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Not through a link: anybody can make one in a folder that all share.
    there = private.lstat()
    if there.st_uid != os.getuid() or not S_ISDIR(there.st_mode):
        raise PermissionError(f"{private} belongs to another user")
    return private


@contextmanager
def _locked(private: Path) -> Iterator[None]:
    """Have the lock of this user, which nobody holds for longer than a few system calls."""
    descriptor = os.open(private / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _folders(private: Path) -> list[Path]:
    """Folders of sites, links left out."""
    with os.scandir(private) as entries:
        return [
            Path(entry.path)
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        ]


def _is_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    named = _noted(folder)
    return bool(named) and not any(map(os.path.lexists, named))


def _note(folder: Path, data_dir: Path) -> None:
    """Add a data folder to the note; those that are gone are left out.

    A right note is left as it is: a site must come up again also where the memory is full.
    """
    noted = _noted(folder)
    wanted = {name for name in noted if os.path.lexists(name)} | {str(data_dir.resolve())}
    if wanted == set(noted):
        return
    whole = folder / f"{_NOTE}.new"
    whole.write_text(json.dumps(sorted(wanted)))
    whole.rename(folder / _NOTE)


def _noted(folder: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads((folder / _NOTE).read_text())]
    except (FileNotFoundError, ValueError):
        return []
