import subprocess
import sys

import pytest


def test_shell_is_told_the_commands_that_begin_so() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from api.cli import main; main()"],
        env={"_FJORD_COMPLETE": "complete_bash", "COMP_WORDS": "fjord st", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["status"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_of_a_shell_is_printed(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from api.cli import main; main()"],
        env={"_FJORD_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "_FJORD_COMPLETE" in done.stdout
