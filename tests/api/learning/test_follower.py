"""The running service takes over a better model, and stays with the old one if it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.costs import ARTIFACT, build_oracle
from api.learning.follower import Follower
from cost_models.learned import artifact_from

pytestmark = pytest.mark.anyio


async def test_model_is_taken_over_when_its_file_comes(tmp_path: Path, artifact: bytes) -> None:
    oracle = build_oracle(tmp_path)
    follower = Follower(oracle, tmp_path)
    assert await follower.look() is None
    (tmp_path / ARTIFACT).write_bytes(artifact)
    digest = artifact_from(artifact).digest
    assert await follower.look() == digest
    assert oracle.report().artifact["digest"] == digest
    assert await follower.look() is None


async def test_corrupted_file_is_told_of_and_the_old_model_stays(
    tmp_path: Path, artifact: bytes
) -> None:
    (tmp_path / ARTIFACT).write_bytes(artifact)
    oracle = build_oracle(tmp_path)
    follower = Follower(oracle, tmp_path)
    assert await follower.look() is None
    (tmp_path / ARTIFACT).write_bytes(artifact[:-1])
    assert await follower.look() is None
    report = oracle.report()
    assert report.artifact["digest"] == artifact_from(artifact).digest
    (note,) = report.notes
    assert "it is corrupted" in note
    assert "stay with the model before it" in note


async def test_note_goes_when_the_file_is_good_again(tmp_path: Path, artifact: bytes) -> None:
    (tmp_path / ARTIFACT).write_bytes(artifact)
    oracle = build_oracle(tmp_path)
    follower = Follower(oracle, tmp_path)
    await follower.look()
    for content in (b"junk", artifact):
        (tmp_path / ARTIFACT).write_bytes(content)
        await follower.look()
    assert oracle.report().notes == ()


async def test_removed_file_leaves_the_roofline(tmp_path: Path, artifact: bytes) -> None:
    (tmp_path / ARTIFACT).write_bytes(artifact)
    oracle = build_oracle(tmp_path)
    follower = Follower(oracle, tmp_path)
    await follower.look()
    (tmp_path / ARTIFACT).unlink()
    assert await follower.look() == ""
    assert oracle.report().artifact == {}
