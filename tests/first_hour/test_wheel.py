"""The distribution, built as for a release, installed away from the checkout, and used there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fjord.about import DISTRIBUTION, __version__
from tests.docs.blocks import blocks
from tests.docs.reader import reading

ROOT = Path(__file__).parents[2]
UNCOMPILED = {"NUMBA_DISABLE_JIT": "1"}
"""Compiling the solvers anew at another place takes minutes. The heuristic that makes the plan runs
as plain Python here, and no search improves on it.
"""
PACKAGES = ("api", "cost_models", "devices", "fjord", "scheduler")
MADE = shutil.ignore_patterns(
    "*.egg-info",
    "*_cache",
    ".git",
    ".hypothesis",
    ".venv*",
    ".vulkan",
    "__pycache__",
    "build",
    "dist",
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of a copy of this checkout, unpacked."""
    copy = tmp_path_factory.mktemp("checkout") / "fjord"
    shutil.copytree(ROOT, copy, ignore=MADE)
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(_built(copy, "*.tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    """The wheel, built from the source distribution alone."""
    return _built(source, "*.whl")


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; the packages that it needs are those of this environment."""
    made = tmp_path_factory.mktemp("installed") / "env"
    _run(sys.executable, "-m", "venv", "--without-pip", made)
    python = made / "bin" / "python"
    install = ("install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    _run(sys.executable, "-P", "-m", "pip", "--python", python, *install, wheel)
    (packages,) = made.glob("lib/python*/site-packages")
    # A path file of another environment is not read here, so that none leads to the checkout.
    (packages / "needed.pth").write_text(f"{Path(np.__file__).parents[1]}\n")
    return made


def _built(checkout: Path, pattern: str) -> Path:
    # The environment is there already: -o takes it as it is.
    _run("make", "-o", "setup", "dist", f"VENV={sys.prefix}", cwd=checkout)
    (built,) = (checkout / "dist").glob(pattern)
    return built


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=clean | UNCOMPILED,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_source_distribution_holds_all_that_tests_need(source: Path) -> None:
    held = _files(source)
    for folder in (*PACKAGES, "benchmarks", "deploy", "docs", "examples", "tests"):
        assert {f"{folder}/{name}" for name in _files(ROOT / folder)} <= held
    assert {"Makefile", "README.md", "pyproject.toml", "requirements.lock"} <= held


def test_wheel_holds_every_file_of_the_packages_and_no_others(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {f"{package}/{name}" for package in PACKAGES for name in _files(ROOT / package)}
    metadata = f"{DISTRIBUTION.replace('-', '_')}-{__version__}.dist-info/"
    assert {name for name in names if not name.startswith(metadata)} == ours


def test_wheel_alone_gives_the_command_and_the_packages(environment: Path, tmp_path: Path) -> None:
    assert _run(environment / "bin/fjord", "--version", cwd=tmp_path) == f"fjord {__version__}\n"
    homes = f"import {', '.join(PACKAGES)}; print(*({'.__file__, '.join(PACKAGES)}.__file__,))"
    for home in _run(environment / "bin/python", "-c", homes, cwd=tmp_path).split():
        assert Path(home).is_relative_to(environment)


@pytest.mark.timeout(300)
def test_first_page_is_true_of_the_wheel(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", UNCOMPILED["NUMBA_DISABLE_JIT"])
    with reading(tmp_path, environment / "bin") as newcomer:
        for block in blocks(ROOT / "README.md"):
            # As plain Python a search takes minutes. From the checkout these blocks are run too.
            if "solve" not in block.body:
                newcomer.read(block)


@pytest.mark.timeout(300)
def test_demonstration_runs_from_the_wheel(environment: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    _run(environment / "bin/fjord", "demo", "--images", "1", "--json", report, cwd=tmp_path)
    assert json.loads(report.read_text())["violations"] == 0
