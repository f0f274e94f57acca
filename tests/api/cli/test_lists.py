import json

import pytest

from api.cli.app import run


def test_functions_say_what_they_take_and_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["functions", "--json"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)["functions"]}
    assert listed["decode_image"]["inputs"] == {"data": "uint8[bytes]"}
    assert run(["functions"]) == 0
    assert "decode_image" in capsys.readouterr().out
