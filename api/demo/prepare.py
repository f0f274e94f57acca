"""Give a service the models and the workload of the demonstration, and wait until it knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from api.client import Client, FjordApiError
from api.demo.ocr import model_files, ocr_workload, profile_shapes

PROFILE_TIMEOUT_S = 300.0
CONFLICT = 409
NAMES = {"det": "ocr-det", "cls": "ocr-cls", "rec": "ocr-rec"}
"""What the models of the pipeline are called in the service, by their role."""


def files() -> dict[str, Path]:
    """List the file of each model, by its name in the service."""
    return {NAMES[role]: path for role, path in model_files().items()}


def definition() -> dict[str, Any]:
    """Give the workload, as it is posted."""
    return ocr_workload(NAMES)


def prepare(
    client: Client, *, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> dict[str, Any]:
    """Upload the models, wait until each is measured everywhere, and register the workload.

    Returns
    -------
    dict
        The workload, as it was posted.
    """
    shapes = {NAMES[role]: given for role, given in profile_shapes().items()}
    for name, path in files().items():
        _upload(client, name, path, shapes[name])
    client.wait_until_profiled(list(files()), timeout_s=PROFILE_TIMEOUT_S, progress=progress)
    workload = definition()
    client.create_workload(workload)
    return workload


def _upload(client: Client, name: str, path: Path, shapes: Mapping[str, Any]) -> None:
    try:
        client.upload_model(name, path, profile_shapes=shapes)
    except FjordApiError as error:
        # A kept data folder has them from the last time.
        if error.status != CONFLICT:
            raise
