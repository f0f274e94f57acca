"""Which layers the oracle of a service stands on, by what lies in its data folder."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from api.costs import ARTIFACT, build_oracle, cost_of, oracle_of_file
from scheduler.model.errors import InvalidModel
from scheduler.model.messages import WorkKind
from scheduler.model.ports import CostQuery, Provenance
from tests.api.routes.conftest import doubling_model
from tests.cost_models.features.test_bounds import call, doubling, model


def query(digest: str, shape: tuple[int, ...] = (64, 3)) -> CostQuery:
    return CostQuery(
        kind=WorkKind.MODEL,
        name="double",
        digest=digest,
        variant="",
        machine="a/cpu0",
        provider="cpu",
        shapes=(("x", shape),),
    )


def with_model(folder: Path) -> str:
    content = doubling_model()
    digest = sha256(content).hexdigest()
    (folder / "models").mkdir()
    (folder / "models" / f"{digest}.onnx").write_bytes(content)
    return digest


def test_corrupted_artifact_is_told_of_and_predictions_start_from_the_prior(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ARTIFACT).write_bytes(b"fjord-cost-model 1 00\n{")
    digest = with_model(tmp_path)
    oracle = oracle_of_file(tmp_path / "models" / f"{digest}.onnx", tmp_path)
    (note,) = oracle.report().notes
    assert note.startswith(str(tmp_path / ARTIFACT))
    assert "start from the roofline" in note
    assert note in caplog.text
    (found,) = oracle.predict([query(digest)])
    assert found is not None
    assert found.p50_us >= 1


def test_model_on_a_machine_without_known_peaks_is_assumed(tmp_path: Path) -> None:
    oracle = build_oracle(tmp_path)
    digest = with_model(tmp_path)
    (found,) = oracle.predict([query(digest)])
    assert found is not None
    assert found.provenance is Provenance.ASSUMED
    assert found.p10_us <= found.p50_us < found.p95_us
    causes = [part.cause for part in oracle.explain(query(digest))]
    assert causes[0].startswith("0.0 Mflop and ")
    assert causes[1] == "peaks of an ordinary core"


def test_larger_inputs_are_predicted_slower(tmp_path: Path) -> None:
    oracle, digest = build_oracle(tmp_path), with_model(tmp_path)
    small, large = oracle.predict([query(digest, (64, 3)), query(digest, (6_400_000, 3))])
    assert small is not None
    assert large is not None
    assert large.p50_us > 100 * small.p50_us


def test_model_whose_file_is_not_here_is_not_predicted(tmp_path: Path) -> None:
    assert build_oracle(tmp_path).predict([query("0" * 64)]) == [None]


def test_small_file_that_would_be_counted_for_ages_is_left_uncounted(tmp_path: Path) -> None:
    # Each function calls the one before it twice: 10^18 nodes in less than ten kilobytes.
    path = tmp_path / "endless.onnx"
    path.write_bytes(model([call("f60", "x", "y")], doubling(60)).SerializeToString())
    assert cost_of(path, ()) is None


def test_who_asks_for_a_file_that_is_no_model_is_told_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"junk")
    asked = CostQuery(
        kind=WorkKind.MODEL, name="x", digest="x", variant="", machine="here", provider="cpu"
    )
    with pytest.raises(InvalidModel, match="must be a complete ONNX file"):
        oracle_of_file(tmp_path / "x.onnx", tmp_path).predict([asked])
