"""A child process that answers messages, one after another, each after its length.

The parent sends to its standard input and receives from its standard output.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import sys
from typing import BinaryIO

_LENGTH = struct.Struct("<Q")


class AnsweringChild:
    """The parent's side: a process that is started when it is needed, and again after its end.

    Parameters
    ----------
    module
        Run by the interpreter of this process, by its dotted name.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process; ``None`` if none was started, or it has been ended."""
        return None if self._process is None else self._process.pid

    @property
    def is_alive(self) -> bool:
        """True if it was started, and nobody has seen its end."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process.

        Raises
        ------
        OSError
            If it cannot be.
        """
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )

    async def exchange(self, message: bytes) -> bytes:
        """Send a message; gives the answer.

        Raises
        ------
        OSError, asyncio.IncompleteReadError
            If the process ends over it.
        """
        messages, answers = self._pipes()
        messages.write(_LENGTH.pack(len(message)))
        messages.write(message)
        await messages.drain()
        (length,) = _LENGTH.unpack(await answers.readexactly(_LENGTH.size))
        return await answers.readexactly(length)

    async def receive(self, size: int) -> bytes:
        """Receive so many bytes that follow no length.

        Raises
        ------
        OSError, asyncio.IncompleteReadError
            If the process ends before.
        """
        _, answers = self._pipes()
        return await answers.readexactly(size)

    async def end(self) -> None:
        """Kill the process, if there is one, and wait for its end."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        assert process.stdin is not None
        process.stdin.close()
        with contextlib.suppress(OSError):  # the rest of a message is lost with its reader
            await process.stdin.wait_closed()

    def _pipes(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        process = self._process
        if process is None:  # ended by another task meanwhile
            raise BrokenPipeError(f"the process of {self._module} was ended")
        assert process.stdin is not None
        assert process.stdout is not None
        return process.stdin, process.stdout


def open_answers() -> BinaryIO:
    """In the child: the stream of answers. All else that is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def read_message(stream: BinaryIO) -> bytes | None:
    """In the child: the next message; ``None`` once the parent has gone."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    return stream.read(length)


def write_answer(stream: BinaryIO, answer: bytes, following: bytes = b"") -> None:
    """In the child: send an answer after its length, and bytes that follow without one."""
    stream.write(_LENGTH.pack(len(answer)))
    stream.write(answer)
    stream.write(following)
    stream.flush()
