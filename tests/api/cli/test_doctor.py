import json
from pathlib import Path

import pytest

from api.cli.app import run
from devices.catalogue import CATALOGUE


def test_doctor_tries_all_providers_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["doctor", "--data", str(tmp_path), "--port", "0", "--json"])
    findings = {each["check"]: each for each in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["provider cpu"]["state"] == "ok"
    assert {f"provider {name}" for name in CATALOGUE} < set(findings)
    assert code == any(each["state"] == "bad" for each in findings.values())
    assert all(each["do"] for each in findings.values() if each["state"] == "bad")
