import re
from pathlib import Path

import pytest

from api.process import config
from api.process.settings import Settings
from scheduler.model.errors import InvalidInput

DOCUMENTED = re.compile(r"^\| `FJORD_", re.MULTILINE)
VARIABLES = re.compile(r"`FJORD_(\w+)`")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fjord.toml"


def applied(file: Path, **environment: str) -> dict[str, str]:
    found = {"FJORD_CONFIG": str(file), **environment}
    config.apply(found)
    return found


def test_file_gives_settings_and_the_environment_wins(file: Path) -> None:
    file.write_text('site = "north"\nage_s = 5\nkeep_log = true\nprofile_share = 0.1\n')
    settings = Settings.from_environment(applied(file, FJORD_AGE_S="7"))
    assert (settings.site, settings.age_s, settings.keep_log) == ("north", 7, True)
    assert settings.profile_share == 0.1


def test_home_is_meant_by_a_tilde_in_the_data_folder(file: Path) -> None:
    file.write_text('data = "~/fjord"')
    assert applied(file)["FJORD_DATA"] == str(Path.home() / "fjord")


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("age = 5", "a key must be a setting; got 'age': did you mean 'age_s'?"),
        ("zzz = 5", "a key must be a setting; got 'zzz': there are age_s, body_s"),
        ("[site]\nname = 1", "site must be a text, a number, or true or false; got dict"),
        ("site north", "must be TOML; got Expected '=' after a key"),
    ],
)
def test_file_that_says_anything_else_is_refused_by_name(file: Path, text: str, law: str) -> None:
    file.write_text(text)
    with pytest.raises(InvalidInput, match=re.escape(law)):
        applied(file)


def test_file_that_is_named_and_not_there_is_told(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        applied(file)


def test_user_needs_no_file(tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    config.apply(environment)
    assert environment == {"XDG_CONFIG_HOME": str(tmp_path)}
    (tmp_path / "fjord").mkdir()
    (tmp_path / "fjord" / "fjord.toml").write_text('url = "http://there:8080"')
    config.apply(environment)
    assert environment["FJORD_URL"] == "http://there:8080"


def test_every_setting_of_the_page_is_a_key(pytestconfig: pytest.Config) -> None:
    page = (pytestconfig.rootpath / "docs" / "operations.md").read_text()
    rows = [line for line in page.splitlines() if DOCUMENTED.match(line)]
    first_cells = " ".join(row.split("|")[1] for row in rows)
    assert {name.lower() for name in VARIABLES.findall(first_cells)} - {"config"} == config.KEYS
