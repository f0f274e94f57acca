"""The running service takes over a better model, and stays with the old one if it is broken."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from api.learning.follower import Follower
from api.oracle.oracle import ARTIFACT, build_oracle
from api.oracle.shelf import FOLDER, LATEST, SKEW_US, Shelf
from cost_models.learned import artifact_from
from cost_models.oracle import Oracle

pytestmark = pytest.mark.anyio

Looking = Callable[[], Awaitable[str | None]]


@pytest.fixture
def oracle(tmp_path: Path) -> Oracle:
    return build_oracle(tmp_path)


@pytest.fixture
def look(oracle: Oracle, tmp_path: Path) -> Looking:
    """Look, and do as the event in the log has every brain do."""
    latest = tmp_path / ARTIFACT
    follower = Follower(oracle, Shelf(tmp_path, latest), latest)

    async def looked() -> str | None:
        digest = await follower.look()
        if digest is not None:
            oracle.change_model(digest)
        return digest

    return looked


async def test_model_is_taken_over_when_its_file_comes(
    tmp_path: Path, artifact: bytes, oracle: Oracle, look: Looking
) -> None:
    assert await look() is None
    (tmp_path / ARTIFACT).write_bytes(artifact)
    digest = artifact_from(artifact).digest
    assert await look() == digest
    assert oracle.report().artifact["digest"] == digest
    assert await look() is None


async def test_model_that_was_there_before_is_named_in_the_log_too(
    tmp_path: Path, artifact: bytes, look: Looking
) -> None:
    (tmp_path / ARTIFACT).write_bytes(artifact)
    assert await look() == artifact_from(artifact).digest


async def test_corrupted_file_is_told_of_and_the_old_model_stays(
    tmp_path: Path, artifact: bytes, oracle: Oracle, look: Looking
) -> None:
    (tmp_path / ARTIFACT).write_bytes(artifact)
    await look()
    (tmp_path / ARTIFACT).write_bytes(artifact[:-1])
    assert await look() is None
    report = oracle.report()
    assert report.artifact["digest"] == artifact_from(artifact).digest
    (note,) = report.notes
    assert "it is corrupted" in note
    assert "stay with the model before it" in note


async def test_note_goes_when_the_file_is_good_again(
    tmp_path: Path, artifact: bytes, oracle: Oracle, look: Looking
) -> None:
    (tmp_path / ARTIFACT).write_bytes(artifact)
    await look()
    for content in (b"junk", artifact):
        (tmp_path / ARTIFACT).write_bytes(content)
        await look()
    assert oracle.report().notes == ()


async def test_removed_file_leaves_the_roofline(
    tmp_path: Path, artifact: bytes, oracle: Oracle, look: Looking
) -> None:
    (tmp_path / ARTIFACT).write_bytes(artifact)
    await look()
    (tmp_path / ARTIFACT).unlink()
    assert await look() == ""
    assert oracle.report().artifact == {}


async def test_a_later_fold_stands_on_the_model_of_each_event(
    tmp_path: Path, artifact: bytes, look: Looking
) -> None:
    (tmp_path / ARTIFACT).write_bytes(artifact)
    digest = await look()
    assert digest
    (tmp_path / ARTIFACT).unlink()
    again = build_oracle(tmp_path)
    again.change_model(digest)
    assert again.report().artifact["digest"] == digest


def test_a_model_that_is_gone_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    oracle = build_oracle(tmp_path)
    oracle.change_model("0123456789abcdef")
    (note,) = oracle.report().notes
    assert note in caplog.text
    assert "0123456789ab is not in" in note
    assert "start from the roofline" in note


def test_models_go_that_neither_a_checkpoint_nor_the_log_can_name(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    names = [f"{i}" for i in range(LATEST + 3)]
    for i, name in enumerate(names):
        path = tmp_path / FOLDER / f"{name}.json"
        path.write_bytes(b"")
        os.utime(path, (i, i))
    Shelf(tmp_path, tmp_path / ARTIFACT).drop([names[0]], since_us=2_000_000 + SKEW_US)
    left = {path.stem for path in (tmp_path / FOLDER).iterdir()}
    assert left == {names[0], *names[2:]}
