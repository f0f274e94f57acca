"""What a provider's speed depends on: the processor, its card if it runs on one, the versions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devices.catalogue import CATALOGUE, provider
from devices.fingerprint import fingerprint, processor
from devices.runtime.host import nvidia_memory_bytes


def put_card(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have `nvidia-smi` be a script of the test, whose arguments are the driver's."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


H100 = 'case "$1" in *=name) echo "NVIDIA H100 80GB HBM3";; *=memory.total) echo 81559;; esac'


def test_gpu_provider_names_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_card(tmp_path, monkeypatch, H100)
    assert "; NVIDIA H100 80GB HBM3; cuda " in fingerprint(provider("cuda"))
    assert fingerprint(provider("cuda")).startswith(f"{processor()}, {os.cpu_count()} cores; ")
    assert nvidia_memory_bytes() == 81_559 * 1024 * 1024


@pytest.mark.parametrize("name", [row.name for row in CATALOGUE.values() if row.is_cpu_lane])
def test_card_changes_nothing_for_what_runs_on_the_processor(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = fingerprint(provider(name))
    put_card(tmp_path, monkeypatch, H100)
    assert fingerprint(provider(name)) == without


@pytest.mark.parametrize("script", ["exit 9", "echo"])
def test_card_that_does_not_tell_is_left_out(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_card(tmp_path, monkeypatch, script)
    assert f"{os.cpu_count()} cores; cuda " in fingerprint(provider("cuda"))
    assert nvidia_memory_bytes() == 0
