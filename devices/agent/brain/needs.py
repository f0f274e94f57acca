"""Needs of queued operations: inputs, and files of models. Each is asked for once."""

from __future__ import annotations

from devices.agent.brain.instructions import FetchModel, FetchTensors, Instruction
from devices.agent.brain.lane import QueuedOperation
from devices.agent.brain.memory import RunMemory
from scheduler.model.messages import Value


class Needs:
    """Looks after the needs of operations that wait.

    Parameters
    ----------
    box
        Tensors of this box need not be fetched.
    """

    def __init__(self, box: str, memory: RunMemory) -> None:
        self._box = box
        self._memory = memory
        # Digest to path; an empty path while the file is under way.
        self._models: dict[str, str] = {}

    def look_after(self, queued: QueuedOperation) -> list[Instruction]:
        """Ask for inputs and models that are missing and can be had by now.

        Raises
        ------
        InvalidTensor
            If a producer did not give an output that is taken from it.
        """
        asked: list[Instruction] = []
        if queued.needs_model:
            asked += self.model(queued.dispatch.work.digest)[1]
        if queued.inputs is None and not queued.is_fetching:
            asked += self._inputs(queued)
        return asked

    def model(self, digest: str) -> tuple[str, list[Instruction]]:
        """Path of a model's file, empty while it is missing; then it is asked for, once."""
        if digest in self._models:
            return self._models[digest], []
        self._models[digest] = ""
        return "", [FetchModel(digest=digest)]

    def model_is_here(self, digest: str, path: str) -> None:
        """Note where a model's file is."""
        self._models[digest] = path

    def model_failed(self, digest: str) -> None:
        """Forget a model: it is asked for again when it is needed again."""
        self._models.pop(digest, None)

    def model_path(self, queued: QueuedOperation) -> str | None:
        """Path of its model's file, empty if it needs none; ``None`` while the file is missing."""
        if not queued.needs_model:
            return ""
        return self._models.get(queued.dispatch.work.digest) or None

    def _inputs(self, queued: QueuedOperation) -> list[Instruction]:
        inputs = self._memory.inputs(queued.dispatch)
        if inputs is None:
            return []
        if all(self._is_here(value) for value in inputs.values()):
            queued.inputs = inputs
            return []
        queued.is_fetching = True
        return [FetchTensors(dispatch=queued.dispatch, inputs=inputs)]

    def _is_here(self, value: Value) -> bool:
        return all(ref.inline is not None or ref.box == self._box for ref in value.tensors)
