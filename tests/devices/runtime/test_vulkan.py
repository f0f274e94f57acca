"""Search path of the software Vulkan."""

from pathlib import Path

from devices.runtime import vulkan


def test_the_named_folder_counts_once_it_is_complete(tmp_path: Path) -> None:
    environment = {"FJORD_VULKAN_DIR": str(tmp_path)}
    assert vulkan.folder(environment) is None
    (tmp_path / "icd.json").write_text("{}")
    assert vulkan.folder(environment) == tmp_path
