from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from cost_models.learned import Artifact, artifact_from
from scheduler.model.errors import InvalidArtifact


def resealed(artifact: Artifact, **changes: Any) -> bytes:
    """A document with other content and the digest that fits it."""
    content = artifact.to_bytes().partition(b"\n")[2]
    changed = json.dumps(json.loads(content) | changes).encode()
    return f"fjord-cost-model 2 {hashlib.sha256(changed).hexdigest()}\n".encode() + changed


def test_artifact_survives_its_bytes(artifact: Artifact) -> None:
    again = artifact_from(artifact.to_bytes())

    assert again.digest == artifact.digest
    assert again.to_bytes() == artifact.to_bytes()
    assert again.names == artifact.names


def test_artifact_says_where_it_comes_from(artifact: Artifact) -> None:
    assert artifact.seed == 1
    assert artifact.rows == 8 * 6 * 3 * 3
    assert len(artifact.data_digest) == 64
    assert {"median_error", "within_10", "within_20"} <= artifact.metrics.keys()
    assert "scikit-learn" in artifact.versions


def test_one_changed_byte_is_refused(artifact: Artifact) -> None:
    data = bytearray(artifact.to_bytes())
    data[-40] ^= 1

    with pytest.raises(InvalidArtifact, match="it is corrupted"):
        artifact_from(bytes(data))


@pytest.mark.parametrize("data", [b"", b"nonsense", b"fjord-cost-model", b"\xff\xfe 1 2\n"])
def test_bytes_of_something_else_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidArtifact, match="artifact must begin with 'fjord-cost-model'"):
        artifact_from(data)


def test_cut_off_artifact_is_refused(artifact: Artifact) -> None:
    with pytest.raises(InvalidArtifact, match="it is corrupted"):
        artifact_from(artifact.to_bytes()[:-100])


def test_another_version_is_refused(artifact: Artifact) -> None:
    data = artifact.to_bytes().replace(b"fjord-cost-model 2", b"fjord-cost-model 7", 1)

    with pytest.raises(InvalidArtifact, match="must be of version 2; got 7"):
        artifact_from(data)


@pytest.mark.parametrize("part", ["names", "kernel_names"])
def test_features_not_known_here_are_refused_by_name(part: str, artifact: Artifact) -> None:
    known = getattr(artifact, part)

    with pytest.raises(InvalidArtifact, match=f"artifact's {part} must be .* 'moon_phase'"):
        artifact_from(resealed(artifact, **{part: [*known, "moon_phase"]}))


def test_missing_part_is_refused(artifact: Artifact) -> None:
    with pytest.raises(InvalidArtifact, match="must hold all parts"):
        artifact_from(resealed(artifact, widen_more={}))
