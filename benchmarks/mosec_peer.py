"""A peer for `benchmarks.calls`: mosec with one worker on the model in ``MODEL_FILE``."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import onnxruntime
from mosec import Server, Worker


class Classifier(Worker):
    def __init__(self) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["MODEL_FILE"], options, providers=["CPUExecutionProvider"]
        )
        self.shape = [int(size) for size in os.environ["SHAPE"].split(",")]

    def deserialize(self, data: bytes) -> Any:
        return np.frombuffer(data, np.float32).reshape(self.shape)

    def serialize(self, data: Any) -> bytes:
        return bytes(data.tobytes())

    def forward(self, data: Any) -> Any:
        return self.session.run(None, {"x": data})[0]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Classifier, num=int(os.environ.get("WORKERS", "1")))
    server.run()
