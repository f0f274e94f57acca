"""The layers of a service's oracle follow from the files in its data folder."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from api.oracle.counting import cost_path, count_in_child, read, write
from api.oracle.oracle import ARTIFACT, ExactGraphs, build_oracle, counts_of, oracle_of_file
from cost_models.oracle import Oracle
from scheduler.model.errors import InvalidModel
from scheduler.model.messages import WorkKind
from scheduler.model.ports import CostQuery, Provenance
from tests.api.http.routes.conftest import doubling_model
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
    models = folder / "models"
    models.mkdir(exist_ok=True)
    path = models / f"{digest}.onnx"
    path.write_bytes(content)
    write(models, digest, count_in_child(path, {}))
    return digest


def told(folder: Path) -> tuple[Oracle, str]:
    """An oracle that knows the graph of the one model."""
    oracle, digest = build_oracle(folder), with_model(folder)
    known = read(folder / "models", digest)
    assert known is not None
    oracle.learn_graph(digest, known.checksum)
    return oracle, digest


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
    oracle, digest = told(tmp_path)
    (found,) = oracle.predict([query(digest)])
    assert found is not None
    assert found.provenance is Provenance.ASSUMED
    assert found.p10_us <= found.p50_us < found.p95_us
    causes = [part.cause for part in oracle.explain(query(digest))]
    assert causes[0].startswith("0.0 Mflop and ")
    assert causes[1] == "peaks of an ordinary core"


def test_larger_inputs_are_predicted_slower(tmp_path: Path) -> None:
    oracle, digest = told(tmp_path)
    small, large = oracle.predict([query(digest, (64, 3)), query(digest, (6_400_000, 3))])
    assert small is not None
    assert large is not None
    assert large.p50_us > 100 * small.p50_us


def test_model_whose_file_is_not_here_is_not_predicted(tmp_path: Path) -> None:
    assert build_oracle(tmp_path).predict([query("0" * 64)]) == [None]


def test_graph_is_not_known_before_the_log_tells_of_it(tmp_path: Path) -> None:
    oracle, digest = build_oracle(tmp_path), with_model(tmp_path)
    assert oracle.predict([query(digest)]) == [None]
    oracle.learn_graph(digest, "0" * 64)
    assert oracle.predict([query(digest)]) == [None]


def test_graph_of_a_model_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    oracle, digest = told(tmp_path)
    assert oracle.predict([query(digest)]) != [None]
    oracle.learn_graph(digest, "")
    assert oracle.predict([query(digest)]) == [None]


def test_prediction_needs_no_model_file(tmp_path: Path) -> None:
    oracle, digest = told(tmp_path)
    (tmp_path / "models" / f"{digest}.onnx").unlink()
    assert oracle.predict([query(digest), query(digest, (9, 3))]) != [None, None]


def test_damaged_counts_are_not_used(tmp_path: Path) -> None:
    oracle, digest = told(tmp_path)
    path = cost_path(tmp_path / "models", digest)
    path.write_bytes(path.read_bytes().replace(b"Mul", b"Add"))
    assert read(tmp_path / "models", digest) is None
    assert oracle.predict([query(digest)]) == [None]


def test_sizes_that_were_not_counted_are_told_as_scaled(tmp_path: Path) -> None:
    oracle, digest = told(tmp_path)
    exact, other = oracle.explain(query(digest, (1, 3))), oracle.explain(query(digest, (64, 3)))
    assert "scaled" not in exact[0].cause
    assert other[0].cause.endswith("scaled from other sizes")


def test_rows_are_counted_at_the_sizes_they_had(tmp_path: Path) -> None:
    digest = with_model(tmp_path)
    found = ExactGraphs(tmp_path / "models")(digest, (("x", (64, 3)),))
    assert found is not None
    assert not found.is_scaled
    assert found.features["input_bytes"] == 64 * 3 * 4


def test_rows_that_come_together_are_counted_together(tmp_path: Path) -> None:
    digest = with_model(tmp_path)
    graphs = ExactGraphs(tmp_path / "models")
    asked = [(digest, (("x", (batch, 3)),)) for batch in (1, 8, 64)]
    graphs.prepare(asked)
    (tmp_path / "models" / f"{digest}.onnx").unlink()
    found = [graphs(*each) for each in asked]
    assert [each and each.features["input_bytes"] for each in found] == [12, 96, 768]


def test_small_file_that_would_be_counted_for_ages_is_left_uncounted(tmp_path: Path) -> None:
    # Each function calls the one before it twice: 10^18 nodes in less than ten kilobytes.
    path = tmp_path / "endless.onnx"
    path.write_bytes(model([call("f60", "x", "y")], doubling(60)).SerializeToString())
    found = counts_of(path, {})
    assert found is not None
    assert found.kept.summary is None
    assert "must have at most" in found.kept.refusal


def test_who_asks_for_a_file_that_is_no_model_is_told_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"junk")
    asked = CostQuery(
        kind=WorkKind.MODEL, name="x", digest="x", variant="", machine="here", provider="cpu"
    )
    with pytest.raises(InvalidModel, match="must be a complete ONNX file"):
        oracle_of_file(tmp_path / "x.onnx", tmp_path).predict([asked])
