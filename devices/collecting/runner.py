"""The asking side: one process that times models on some cores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import msgspec

from devices.collecting.protocol import (
    Answer,
    Ask,
    Forget,
    MeasurePeaks,
    PeaksTold,
    Request,
    Spin,
    Told,
)
from scheduler.model.measuring import Peaks


class RunnerDied(Exception):
    """The process ended: a provider brought it down. A new one is there for the next request."""


class Runner:
    """A process on some cores that has one provider's sessions; started when it is needed.

    Parameters
    ----------
    cores
        It is pinned to these and computes with as many threads.
    """

    def __init__(self, provider: str, cores: tuple[int, ...]) -> None:
        self.provider = provider
        self.cores = cores
        self._process: subprocess.Popen[bytes] | None = None
        self._decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)

    @property
    def pid(self) -> int | None:
        """Process id, while it lives."""
        return self._process.pid if self._process is not None else None

    def ask(self, ask: Ask) -> Told:
        """Time a model.

        Raises
        ------
        RunnerDied
            If the process ended over it.
        """
        answer = self._answer(ask)
        return answer if isinstance(answer, Told) else Told(refusal="no time was told")

    def peaks(self, budget_us: int) -> Peaks:
        """Peaks of the provider on these cores.

        Raises
        ------
        RunnerDied
            If the process ended over it.
        """
        answer = self._answer(MeasurePeaks(budget_us=budget_us))
        return answer.peaks if isinstance(answer, PeaksTold) else Peaks(provider=self.provider)

    def spin(self, path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Run a model over and over from now on; the next request ends it."""
        self._send(Spin(path=str(path), shapes=dict(shapes)))

    def forget(self) -> None:
        """Drop its sessions, and end spinning processes."""
        if self._process is not None:
            self._send(Forget())

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                # Closing hands on buffered bytes, and nobody reads any more.
                with suppress(BrokenPipeError):
                    pipe.close()

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self, request: Request) -> Answer:
        self._send(request)
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self.close()
            raise RunnerDied(f"{self.provider} ended the process with status {code}")
        return self._decoder.decode(line)

    def _send(self, request: Request) -> None:
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(msgspec.json.encode(request) + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            self.close()
            raise RunnerDied(f"{self.provider} ended the process") from None

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "devices.collecting"]
        command += ["--cores", ",".join(map(str, self.cores)), "--provider", self.provider]
        command += ["--parent", str(os.getpid())]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return self._process
