"""The files under deploy/ and the release workflow, held against the project that they start."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.cli.app import app
from api.http.auth import read_tokens
from api.tools.demo.service import Service

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECRET = re.compile(r"\$\{(\w+):\?\}")


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


def board() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((DEPLOY / "grafana/boards/fjord.json").read_text())
    return read


def panels() -> list[dict[str, Any]]:
    return [panel for panel in board()["panels"] if panel["type"] != "row"]


def started() -> Iterator[list[str]]:
    """The arguments of ``fjord`` in the compose file, the image and the units."""
    for service in compose()["services"].values():
        if service["image"] == "fjord-scheduler":
            yield service["command"]
    (given,) = re.findall(r"^CMD (.*)$", (DEPLOY / "container/Dockerfile").read_text(), re.M)
    yield json.loads(given)
    for unit in (DEPLOY / "systemd").glob("*.service"):
        (line,) = re.findall(r"^ExecStart=\S+/fjord (.*)$", unit.read_text(), re.M)
        yield shlex.split(line)


@pytest.mark.parametrize("arguments", tuple(started()), ids=" ".join)
def test_every_start_is_a_command_with_options_that_there_are(arguments: list[str]) -> None:
    group = typer.main.get_command(app)
    with group.make_context("fjord", list(arguments)) as context:
        name, command, rest = group.resolve_command(context, list(arguments))  # type: ignore[attr-defined]
        command.make_context(name, rest).close()


def test_services_need_secrets_and_nothing_else_of_the_environment() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    asked = set(SECRET.findall(text)) | {
        secret["environment"] for secret in compose()["secrets"].values()
    }
    page = (ROOT / "docs/operations.md").read_text()
    (made,) = re.findall(r"for name in ([A-Z_ ]+); do .* > deploy/.env$", page, re.M)
    assert asked == set(made.split())
    assert set(re.findall(r"(?<!\$)\$\{?(\w+)", text)) <= asked
    assert "deploy/.env" in (ROOT / ".gitignore").read_text()


def test_tokens_of_the_service_open_it_for_a_person_an_agent_and_a_scraper(tmp_path: Path) -> None:
    given = compose()["services"]["service"]["environment"]["FJORD_TOKENS"]
    tokens = read_tokens(tmp_path, {"FJORD_TOKENS": SECRET.sub("secret", given)})
    assert {token.name: sorted(token.scopes) for token in tokens} == {
        "admin": ["operate", "read", "submit"],
        "agent": ["agent"],
        "prometheus": ["read"],
    }


def test_what_services_mount_and_wait_for_is_there() -> None:
    described = compose()
    for name, service in described["services"].items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            is_file = source.startswith(".")
            assert (DEPLOY / source).exists() if is_file else source in described["volumes"], name
        assert set(service.get("depends_on", ())) <= described["services"].keys()
        assert set(service.get("secrets", ())) <= described["secrets"].keys()


def test_the_scraper_presents_the_secret_that_is_mounted() -> None:
    (job,) = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    (secret,) = compose()["services"]["prometheus"]["secrets"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    assert job["static_configs"] == [{"targets": ["service:8080"]}]


def test_the_image_runs_without_rights_and_copies_what_is_there() -> None:
    lines = (DEPLOY / "container/Dockerfile").read_text().splitlines()
    users = [line.removeprefix("USER ") for line in lines if line.startswith("USER ")]
    assert users == ["10001"]
    assert lines.index("USER 10001") < lines.index("RUN fjord compile")
    for script in re.findall(r"/src/(\S+\.sh)", "\n".join(lines)):
        assert (ROOT / script).is_file()
    kept = (DEPLOY / "container/Dockerfile.dockerignore").read_text().split()
    assert all((ROOT / path[1:]).exists() for path in kept if path.startswith("!"))


@pytest.mark.parametrize(
    "lock", [DEPLOY / "container/requirements.lock", ROOT / "requirements.demo.lock"]
)
def test_the_image_and_the_demonstration_have_the_packages_that_the_tests_ran_with(
    lock: Path,
) -> None:
    installed, tested = (
        path.read_text().replace(" \\\n    ", " ").splitlines()
        for path in (lock, ROOT / "requirements.lock")
    )
    assert len(installed) > 20
    assert set(installed) <= set(tested)
    assert all("--hash=sha256:" in line and "://" not in line for line in installed)


def test_the_board_shows_metrics_that_a_service_exports(service: Service) -> None:
    families = text_string_to_metric_families(httpx.get(f"{service.url}/metrics").text)
    exported = {f"{family.name}{ending}" for family in families for ending in _ENDINGS[family.type]}
    shown = {
        name
        for panel in panels()
        for target in panel["targets"]
        for name in re.findall(r"\bfjord_\w+", target["expr"])
    }
    assert len(shown) > 10
    assert shown <= exported


_ENDINGS = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum"),
}


def test_every_panel_asks_the_source_that_is_provisioned_and_has_a_place_of_its_own() -> None:
    folder = DEPLOY / "grafana/provisioning"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards/boards.yaml").read_text())["providers"]
    mounts = compose()["services"]["grafana"]["volumes"]
    assert f"./grafana/boards:{provider['options']['path']}:ro" in mounts
    assert {panel["datasource"]["uid"] for panel in panels()} == {source["uid"]}
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels())


def test_every_action_of_the_release_is_pinned_by_its_hash() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text()
    used = re.findall(r"uses: \S+@(\S+)", text)
    assert len(used) >= 4
    assert all(re.fullmatch(r"[0-9a-f]{40}", version) for version in used)
    assert yaml.safe_load(text)["jobs"]["publish"]["permissions"] == {"id-token": "write"}
