"""Sessions that a worker keeps loaded: used ones before ones that were only measured."""

from __future__ import annotations

from pathlib import Path

from devices.catalogue import provider
from devices.runtime.session import open_session
from devices.worker.sessions import SessionCache
from tests.onnx_models import model, node, save


def cache(folder: Path) -> tuple[SessionCache, Path]:
    """Room for two sessions, and a model."""
    return SessionCache(most=2), save(model([node("Add", "x x", "y")]), folder)


def keep(held: SessionCache, digest: str, path: Path) -> None:
    held.keep(open_session(path, provider("cpu")), digest, path, {"x": (1, 4)})


def is_held(held: SessionCache, digest: str, path: Path) -> bool:
    return held.get(digest, "cpu", str(path), {})[1] == 0


def test_a_session_that_was_made_elsewhere_is_kept_while_there_is_room(tmp_path: Path) -> None:
    held, path = cache(tmp_path)
    keep(held, "measured", path)
    assert is_held(held, "measured", path)


def test_it_leaves_before_those_that_were_used(tmp_path: Path) -> None:
    held, path = cache(tmp_path)
    held.get("used", "cpu", str(path), {})
    keep(held, "measured", path)
    held.get("new", "cpu", str(path), {})
    assert is_held(held, "used", path)
    assert not is_held(held, "measured", path)


def test_sessions_of_a_model_that_is_gone_are_dropped(tmp_path: Path) -> None:
    held, path = cache(tmp_path)
    held.get("gone", "cpu", str(path), {})
    held.get("used", "cpu", str(path), {})
    held.drop("gone")
    assert is_held(held, "used", path)
    assert not is_held(held, "gone", path)


def test_it_pushes_nothing_out(tmp_path: Path) -> None:
    held, path = cache(tmp_path)
    held.get("used", "cpu", str(path), {})
    held.get("new", "cpu", str(path), {})
    keep(held, "measured", path)
    assert not is_held(held, "measured", path)
