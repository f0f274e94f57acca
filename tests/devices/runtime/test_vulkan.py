"""Search path and loading of the software Vulkan."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devices.runtime import vulkan

LOADED = """
from pathlib import Path
from devices.runtime import vulkan
assert vulkan.use()
print(Path("/proc/self/maps").read_text())
"""


def test_the_named_folder_counts_once_it_is_complete(tmp_path: Path) -> None:
    environment = {"FJORD_VULKAN_DIR": str(tmp_path)}
    assert vulkan.folder(environment) is None
    (tmp_path / "icd.json").write_text("{}")
    assert vulkan.folder(environment) == tmp_path


def test_a_child_of_a_process_that_uses_it_loads_it_too() -> None:
    found = vulkan.folder()
    if found is None:
        pytest.skip("deploy/vulkan/install.sh was not run")
    handed_on = {**os.environ, "VK_ICD_FILENAMES": str(found / "icd.json")}
    child = subprocess.run(
        [sys.executable, "-P", "-c", LOADED], env=handed_on, capture_output=True, text=True
    )
    assert str(found / "lib") in child.stdout, child.stderr
