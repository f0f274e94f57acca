"""A trained cost model as one file: trees, base, calibration, and where they come from."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cost_models.learned import kernels
from cost_models.learned.base import Scales
from cost_models.learned.columns import columns_of
from scheduler.model.errors import InvalidArtifact

FORMAT = "fjord-cost-model"
VERSION = 2


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """Everything that a prediction needs but the engine that runs the trees.

    Parameters
    ----------
    onnx
        Trees of all quantiles: rows of `names` in, log-ratios to the base out.
    names
        Columns of a row, in order.
    factors_onnx
        Trees of the base: rows of `kernel_names` in, logarithms of factors out.
    kernel_names
        Columns that the base sees of a kernel, in order.
    scales
        Slowness of each kind of machine beyond its kernels' times.
    pace_power
        Durations go with this power of the pace of a core.
    providers
        Those seen in training, in the order of their columns.
    widen
        Added to the log of p95, by group of context (see `calibration`).
    ranges
        Least and greatest value of each graph feature and load column in training.
    families
        Families of networks that it has seen.
    data_digest, rows, seed, versions
        Data and software of its training.
    metrics
        Figures of held-out families.
    """

    onnx: bytes
    names: tuple[str, ...]
    factors_onnx: bytes
    kernel_names: tuple[str, ...]
    scales: Scales
    pace_power: float
    providers: tuple[str, ...]
    widen: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    families: tuple[str, ...]
    data_digest: str
    rows: int
    seed: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """A JSON document with its own digest in front."""
        content = _content(self)
        head = f"{FORMAT} {VERSION} {hashlib.sha256(content).hexdigest()}\n"
        return head.encode() + content

    @property
    def digest(self) -> str:
        """SHA-256 of the content: the same data and seed give the same one."""
        return hashlib.sha256(_content(self)).hexdigest()


def artifact_from(data: bytes) -> Artifact:
    """Read the bytes that `Artifact.to_bytes` gave.

    Raises
    ------
    InvalidArtifact
        If it is corrupted, of another version, or made for features that are not known here.
    """
    head, _, content = data.partition(b"\n")
    words = head.decode("ascii", "replace").split(" ")
    if words[0] != FORMAT or len(words) != len((FORMAT, VERSION, "digest")):
        raise InvalidArtifact(f"artifact must begin with {FORMAT!r}; got {data[:20]!r}")
    if words[1] != str(VERSION):
        raise InvalidArtifact(f"artifact must be of version {VERSION}; got {words[1]}")
    found = hashlib.sha256(content).hexdigest()
    if found != words[2]:
        raise InvalidArtifact(
            f"artifact must have the digest {words[2][:12]}; got {found[:12]}: it is corrupted"
        )
    try:
        return _artifact(json.loads(content))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidArtifact(f"artifact must hold all parts of a cost model; {error!r}") from error


def _content(artifact: Artifact) -> bytes:
    document = asdict(artifact) | {
        "onnx": base64.b64encode(artifact.onnx).decode(),
        "factors_onnx": base64.b64encode(artifact.factors_onnx).decode(),
        "scales": dict(artifact.scales.by_kind),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _artifact(document: dict[str, Any]) -> Artifact:
    providers = tuple(document.pop("providers"))
    names, kernel_names = tuple(document.pop("names")), tuple(document.pop("kernel_names"))
    _check_known("names", names, columns_of(providers))
    _check_known("kernel_names", kernel_names, kernels.columns_of(providers))
    ranges = {name: (low, high) for name, (low, high) in document.pop("ranges").items()}
    return Artifact(
        onnx=base64.b64decode(document.pop("onnx"), validate=True),
        factors_onnx=base64.b64decode(document.pop("factors_onnx"), validate=True),
        scales=Scales(document.pop("scales")),
        providers=providers,
        names=names,
        kernel_names=kernel_names,
        ranges=ranges,
        families=tuple(document.pop("families")),
        **document,
    )


def _check_known(part: str, got: Any, known: tuple[str, ...]) -> None:
    if tuple(got) == known:
        return
    odd = sorted(set(got) ^ set(known)) or ["another order"]
    raise InvalidArtifact(
        f"artifact's {part} must be those of this version; got a difference in {odd[0]!r}: "
        "train it again",
        field=part,
    )
