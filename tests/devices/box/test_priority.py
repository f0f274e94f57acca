"""Ranks of processes, as the kernel sees them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from devices.box import priority

MOST = 19
"""The most niceness that there is."""

grouped = pytest.mark.skipif(
    not priority.SWITCH.exists() or priority.SWITCH.read_text().strip() != "1",
    reason="this kernel groups no sessions",
)


@contextmanager
def child(call: str, *, leads: bool = True) -> Iterator[psutil.Process]:
    """A process that has made a call of `devices.box.priority` by the time it is given."""
    imports = "import sys; from devices.box.priority import *"
    code = f"{imports}; {call}; print(flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=pipe, stdout=pipe, start_new_session=leads
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline(), "the call failed"
        yield psutil.Process(process.pid)
        process.stdin.close()


def niceness() -> int:
    """Niceness of this process, which its children begin with."""
    return os.getpriority(os.PRIO_PROCESS, 0)


def session_group(pid: int | str) -> str:
    """The kernel's line on a session: its name and its niceness; nothing for the first session."""
    return Path(f"/proc/{pid}/autogroup").read_text()


def session_niceness(process: psutil.Process) -> int:
    return int(session_group(process.pid).split()[-1])


@grouped
def test_search_has_a_session_of_its_own_with_its_niceness() -> None:
    with child("leave_session(SEARCH)", leads=False) as process:
        assert process.nice() == max(priority.SEARCH, niceness())
        assert session_niceness(process) == priority.SEARCH


def test_worker_gives_way_only_where_that_costs_it_nothing_beside_other_programs() -> None:
    with child("give_way_to_agent()") as process:
        given = priority.WORKER if priority.is_apart() else 0
        assert process.nice() == min(niceness() + given, MOST)


def test_search_of_a_service_that_was_started_to_give_way_goes_on_so() -> None:
    nobody = 65534
    call = f"import os; os.nice({MOST}); os.getuid() or os.setuid({nobody}); leave_session(SEARCH)"
    with child(call, leads=False) as process:
        assert process.nice() == MOST


@grouped
def test_session_that_a_process_does_not_lead_is_left_alone() -> None:
    before = session_group("self")
    with child("assert not weigh_session(7)", leads=False) as process:
        assert session_group(process.pid) == before


def test_who_may_not_be_raised_goes_on_as_before() -> None:
    nobody = 65534
    call = f"import os; os.getuid() or os.setuid({nobody}); stand_above()"
    with child(call) as process:
        assert process.nice() in {
            niceness(),
            priority.OFFICE,
        }  # the latter where the limits allow it


@pytest.mark.skipif(not priority.turn_ns(), reason="this kernel has no turns that can be chosen")
@pytest.mark.parametrize(
    ("call", "is_short"),
    [
        ("stand_above()", True),
        ("stand_above_workers()", True),
        ("take_turns(SHORT_TURN_NS); leave_session(SEARCH)", False),
        ("take_turns(SHORT_TURN_NS); give_way_to_agent()", False),
    ],
)
def test_who_answers_takes_short_turns_and_who_works_the_usual(call: str, is_short: bool) -> None:
    with child(call, leads=False) as process:
        assert (priority.turn_ns(process.pid) == priority.SHORT_TURN_NS) == is_short


def test_anybody_may_take_short_turns() -> None:
    nobody = 65534
    call = f"import os; os.getuid() or os.setuid({nobody}); take_turns(SHORT_TURN_NS)"
    with child(call) as process:
        assert priority.turn_ns(process.pid) in {0, priority.SHORT_TURN_NS}
