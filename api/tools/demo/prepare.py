"""Give a service the models and the workload of the demonstration, and wait until it knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.tools.demo.ocr import SHAPES, model_files, ocr_workload
from fjord import Client

PROFILE_TIMEOUT_S = 300.0


def prepare(
    client: Client, *, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> dict[str, Any]:
    """Upload the models, wait until each is measured everywhere, and register the workload.

    Returns
    -------
    dict
        The workload, as it was posted.
    """
    files = model_files()
    for name, path in files.items():
        client.upload_model(name, path, profile_shapes=SHAPES[name])
    client.wait_until_profiled(list(files), timeout_s=PROFILE_TIMEOUT_S, progress=progress)
    workload = ocr_workload(files)
    client.create_workload(workload)
    return workload
