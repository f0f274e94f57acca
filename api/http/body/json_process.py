"""A process of its own for long bodies of JSON, so that reading one delays nobody.

A parser of JSON holds the interpreter until it is done, in whatever thread it runs: 16 MiB of small
lists hold it for 10 s, most of that for the collector of garbage, and take 40 times their length in
memory. In a process of its own they hold nobody, and what they took goes with it.

Run as a module it is that process, and answers bodies with pickles.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import pickle
import resource
import signal
import sys
from typing import TYPE_CHECKING, Self

import psutil

from api.process.answering_child import AnsweringChild, open_answers, read_message, write_answer
from api.process.children import die_with_parent
from scheduler.model.errors import InvalidInput, TooLarge, Unavailable

if TYPE_CHECKING:
    from api.http.body.json_body import Submission

LONGEST_S = 30.0
"""A body that is not read by then is not read at all: 16 MiB take 3 s at most on a calm box."""
MEMORY_BYTES = 2 * 1024**3
"""Address space of the process: three times what the worst 16 MiB were seen to take."""
KEPT_BYTES = 256 * 1024**2
"""A process that still holds more than this is ended after its answer: the next starts small."""

_MORE = b"+"
_LAST = b"."
"""The byte behind an answer: the process takes another body, or it does not."""
_log = logging.getLogger(__name__)


class JsonProcess:
    """Reads one body at a time in a process that is started when it is needed."""

    def __init__(self) -> None:
        self._child = AnsweringChild("api.http.body.json_process")
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._child.end()

    async def read(self, body: bytes) -> Submission:
        """Read a submission.

        Raises
        ------
        InvalidInput
            If it is none.
        TooLarge
            If it takes more memory or time than a body may.
        Unavailable
            If no process can be had.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(LONGEST_S):
                    answer = await self._answer(body)
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                _log.warning("a body of JSON was given up after %r", error)
                await self._child.end()
                law = "the body must be JSON that is read in moderate time and memory"
                got = f"{len(body)} bytes that are not: send arrays as .npy"
                raise TooLarge(f"{law}; got {got}", field="body") from None
            except asyncio.CancelledError:
                # Its answer would be taken for the answer to the next body.
                await self._child.end()
                raise
        if isinstance(answer, InvalidInput):
            raise answer
        return answer

    async def _answer(self, body: bytes) -> Submission | InvalidInput:
        if self._child.pid is not None:
            # A process that had read other bodies may have ended for their sake, not for this one.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                return await self._exchange(body)
            await self._child.end()
        try:
            await self._child.start()
        except OSError as error:
            raise Unavailable(f"no process can be started to read the body: {error}") from error
        return await self._exchange(body)

    async def _exchange(self, body: bytes) -> Submission | InvalidInput:
        # Our own child wrote it: nobody else has the other end of this pipe.
        answer: Submission | InvalidInput = pickle.loads(await self._child.exchange(body))
        if await self._child.receive(1) == _LAST:
            await self._child.end()
        return answer


def main() -> None:
    """Answer until the other side goes away, or until too much memory is held."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    answers = open_answers()
    # Values of JSON have no cycles, and going through all of them again and again takes longest.
    gc.disable()
    this = psutil.Process()
    while (body := read_message(sys.stdin.buffer)) is not None:
        data = pickle.dumps(_answer(body), protocol=pickle.HIGHEST_PROTOCOL)
        del body
        # Not the most that it ever held: there the kernel counts memory of its parent as its own.
        grown = this.memory_info().rss > KEPT_BYTES
        write_answer(answers, data, _LAST if grown else _MORE)


def _answer(body: bytes) -> Submission | InvalidInput:
    from api.http.body.json_body import from_json_body

    try:
        return from_json_body(body)
    except InvalidInput as error:
        return type(error)(error.message, field=error.field)


if __name__ == "__main__":
    main()
