"""Leases of capacity: promises by which an API process calls a model past the controller.

The brain grants a lease to the API processes of one box. They learn it from the stream of changes,
the agents of the box from their plans. A worker takes calls of a lease that it was told of, in the
epoch that it was told, until that ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.model.problem import Band


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlace:
    """A machine of a lease, and the provider that calls run on there.

    Parameters
    ----------
    expected_us
        Predicted median of a call, in microseconds, by which callers choose among places.
    share
        Largest share of the machine's time for calls, above 0 and up to 1.
    hides_nan
        Operator of the model that makes a number of a NaN there; empty if none is known to.
    timeout_us
        Longest call; beyond it the worker hangs, and is ended. 0 for no limit.
    """

    machine: str
    provider: str
    expected_us: int
    share: float = 1.0
    hides_nan: str = ""
    timeout_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLease:
    """Capacity of one box for calls of one model.

    Parameters
    ----------
    epoch
        Of the controller that granted it: a worker that knows a newer one refuses older calls.
    digest
        SHA-256 of the model file in hex.
    band
        Calls wait while more urgent work is queued on their machine.
    places
        Places for calls, best first; none once it is revoked.
    until_us
        Time of the site at which it ends, if it is not renewed before.
    """

    id: str
    epoch: int
    digest: str
    box: str
    band: Band
    places: tuple[CallPlace, ...]
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsReported:
    """Calls that a worker has served under a lease since it last told of them.

    Parameters
    ----------
    since_us, at_us
        Begin of the first and end of the last of them.
    done, failed, refused, late
        Calls that ended so: with outputs, with an error of the model, unbegun because the lease did
        not allow them, unbegun because their time was over.
    busy_us
        Time of the machine that they took.
    p50_us, p95_us
        Of the durations of those that are done, as a sample tells; 0 if there are none.
    waited_us
        Median wait of a call at the worker.
    revocation_us
        Longest time that an operation of a run waited at the worker for a call to end; 0 if none.
    load_us
        Time spent making the session for them.
    """

    at_us: int
    agent: str
    machine: str
    lease: str
    digest: str
    provider: str
    band: Band
    since_us: int
    done: int
    busy_us: int
    failed: int = 0
    refused: int = 0
    late: int = 0
    p50_us: int = 0
    p95_us: int = 0
    waited_us: int = 0
    revocation_us: int = 0
    load_us: int = 0
