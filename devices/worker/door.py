"""The door at which a worker takes calls, between the operations that its agent gives it.

It is shut unless the agent admits calls; then nothing of this is on the way of operations. While it
is open the worker waits here for whatever comes first: a call, or a message of the agent. The
agent's messages go first, so an operation waits at most for the call that runs.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from devices.calls.frames import Answer, Outcome, TensorHead, arrays
from devices.tensors import encoded
from devices.worker.caller import Caller, CallerGone, Waiting
from devices.worker.executor import Executor, described, now_us
from devices.worker.protocol import Admit, CallsServed, Grant, ToWorker
from devices.worker.tally import Budget, Tally
from scheduler.model.errors import InvalidInput

TELL_US = 200_000
"""The agent is told of calls this often while there are any."""
BACKLOG = 64


class Door:
    """Calls of one worker.

    Parameters
    ----------
    mail
        Messages of the agent that wait; calls are served only while there are none.
    tell
        Sends a message to the agent.
    """

    def __init__(
        self, executor: Executor, mail: SimpleQueue[ToWorker], tell: Callable[[CallsServed], None]
    ) -> None:
        self._executor = executor
        self._mail = mail
        self._tell = tell
        self._grants: dict[str, Grant] = {}
        self._budgets: dict[str, Budget] = {}
        self._tallies: dict[str, Tally] = {}
        self._waiting: deque[Waiting] = deque()
        self._callers: dict[Caller, None] = {}
        self._listener: socket.socket | None = None
        self._selector = selectors.DefaultSelector()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._wake)
        self._asked_us = 0
        self.is_open = False

    def admit(self, message: Admit) -> None:
        """Hold these leases and no others; open the door if it was shut, or shut it."""
        now = now_us()
        for grant in message.grants:
            if grant.lease not in self._grants:
                self._executor.warm(grant)
            budget = self._budgets.get(grant.lease)
            if budget is None or budget.share != grant.share:
                self._budgets[grant.lease] = Budget(grant.share, now)
        self._grants = {grant.lease: grant for grant in message.grants}
        for gone in self._budgets.keys() - self._grants.keys():
            del self._budgets[gone]
        if self._grants and not self.is_open:
            self._open(Path(message.path))
        elif not self._grants and self.is_open:
            self._shut(Path(message.path))

    def post(self, message: ToWorker) -> None:
        """Put a message of the agent into the mail. Called by the thread that reads."""
        # Noted first: once the message lies there, the call that it waits for may end unseen.
        self._asked_us = self._asked_us or now_us()
        self._mail.put(message)
        if self.is_open:
            with suppress(BlockingIOError):  # it is full of signs that nobody has looked at yet
                self._waker.send(b"!")

    def serve(self) -> None:
        """Serve calls until there is mail."""
        self._asked_us = 0
        while self._mail.empty():
            self._look(self._patience_s())
            self._note_wait(self._next())
            self._report(now_us())

    def _note_wait(self, lease: str) -> None:
        """Note the wait of the agent's message that came while a call of this lease ran."""
        tally = self._tallies.get(lease)
        if tally is not None and self._asked_us:
            tally.revocation_us = max(tally.revocation_us, now_us() - self._asked_us)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # of a worker that was killed
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._listener = listener
        self.is_open = True

    def _shut(self, path: Path) -> None:
        assert self._listener is not None
        self._selector.unregister(self._listener)
        self._listener.close()
        path.unlink(missing_ok=True)
        while self._waiting:
            self._refuse(self._waiting.popleft(), "the lease has ended")
        for caller in list(self._callers):
            self._let_go(caller)
        self._report(now_us(), is_last=True)
        self._listener, self.is_open = None, False

    def _accept(self) -> None:
        assert self._listener is not None
        with suppress(OSError):  # it has gone again
            connection, _ = self._listener.accept()
            caller = Caller(connection)
            self._callers[caller] = None
            self._selector.register(connection, selectors.EVENT_READ, lambda: self._hear(caller))

    def _hear(self, caller: Caller) -> None:
        try:
            self._waiting += caller.read(now_us())
        except CallerGone:
            self._let_go(caller)

    def _let_go(self, caller: Caller) -> None:
        self._selector.unregister(caller.connection)
        self._callers.pop(caller, None)
        caller.close()

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            self._woken.recv(4096)

    def _look(self, timeout_s: float | None) -> None:
        for key, _ in self._selector.select(timeout_s):
            key.data()

    def _patience_s(self) -> float | None:
        """Time to wait for something to come; ``None`` for any time."""
        now = now_us()
        times = [tally.since_us + TELL_US for tally in self._tallies.values()]
        times += [self._ready_us(each, now) for each in self._waiting]
        return max(0, min(times) - now) / 1_000_000 if times else None

    def _ready_us(self, waiting: Waiting, now: int) -> int:
        """The time from which a call can be dealt with: all but those that it has to wait for."""
        budget = self._budgets.get(waiting.call.lease)
        return budget.ready_us(now) if budget is not None else now

    def _next(self) -> str:
        """Deal with one call, if one can be and there is no mail; gives the lease that it ran by.

        Calls of a caller that has gone are dropped.
        """
        now = now_us()
        for i, waiting in enumerate(self._waiting):
            if self._ready_us(waiting, now) <= now:
                if not self._mail.empty():
                    return ""
                del self._waiting[i]
                return "" if waiting.caller.is_gone else self._deal(waiting, now)
        return ""

    def _deal(self, waiting: Waiting, now: int) -> str:
        call = waiting.call
        grant = self._grants.get(call.lease)
        if grant is None or call.epoch < grant.epoch or now >= grant.until_us:
            self._refuse(waiting, "the lease has ended")
        elif grant.is_paused:
            self._refuse(waiting, "more urgent work is queued there")
        elif call.latest_us and now > call.latest_us:
            self._end(waiting, Outcome.LATE, "its time was over before it could begin")
        else:
            self._run(waiting, grant)
            return grant.lease
        return ""

    def _run(self, waiting: Waiting, grant: Grant) -> None:
        begun_us, tally = now_us(), self._tally(grant.lease)
        waited_us = begun_us - waiting.read_us
        try:
            feeds = arrays(waiting.call.inputs, waiting.body)
            with _limited(grant.timeout_us):
                outputs, load_us = self._executor.call(grant, feeds, waiting.call.outputs)
            # Texts and odd layouts are copied here; all others are sent from where they are.
            pieces = {name: encoded(array, name) for name, array in outputs.items()}
        except InvalidInput as error:
            self._end(waiting, Outcome.INVALID, error.message, begun_us)
            return
        except Exception as error:
            self._end(waiting, Outcome.FAILED, described(error), begun_us)
            return
        ended_us = now_us()
        heads = tuple(
            TensorHead(name, dtype, outputs[name].shape, len(data))
            for name, (dtype, data) in pieces.items()
        )
        computed_us = ended_us - begun_us
        tally.add(Outcome.DONE, begun_us, ended_us)
        tally.done(computed_us - load_us, waited_us)
        tally.load_us += load_us
        self._budgets[grant.lease].spend(computed_us)
        answer = Answer(waiting.call.id, Outcome.DONE, "", heads, waited_us, computed_us)
        self._answer(waiting, answer, [data for _, data in pieces.values()])

    def _refuse(self, waiting: Waiting, why: str) -> None:
        self._end(waiting, Outcome.REFUSED, why)

    def _end(self, waiting: Waiting, outcome: Outcome, why: str, begun_us: int = 0) -> None:
        """Answer a call that gives nothing."""
        ended_us = now_us()
        if waiting.call.lease in self._grants:
            self._tally(waiting.call.lease).add(outcome, begun_us or ended_us, ended_us)
        self._answer(waiting, Answer(waiting.call.id, outcome, why))

    def _answer(
        self, waiting: Waiting, answer: Answer, tensors: list[bytes | memoryview] | None = None
    ) -> None:
        caller = waiting.caller
        if not caller.is_gone and not caller.answer(answer, tensors or ()):
            self._let_go(caller)

    def _tally(self, lease: str) -> Tally:
        return self._tallies.setdefault(lease, Tally(lease, now_us()))

    def _report(self, now: int, *, is_last: bool = False) -> None:
        for lease, tally in list(self._tallies.items()):
            if is_last or now - tally.since_us >= TELL_US:
                del self._tallies[lease]
                self._tell(tally.message())


@contextmanager
def _limited(timeout_us: int) -> Iterator[None]:
    """End the process if what is done meanwhile takes longer; 0 for no limit.

    The system does it, as SIGALRM has no handler: code of a provider that hangs may hold Python's
    lock, so nothing of this process could.
    """
    signal.setitimer(signal.ITIMER_REAL, timeout_us / 1_000_000)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
