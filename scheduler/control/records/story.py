"""The story of a run: each change of its state, and of its operations, with the cause."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trigger(StrEnum):
    """The cause of a transition. A closed set; `StoryLine.detail` says more where there is more."""

    SUBMITTED = "submitted"  # the run was accepted
    LIST_KNOWN = "list_known"  # the list came that says how many items there are
    SENT = "sent"  # the plan in force sent it to an agent
    RETRACTED = "retracted"  # it cannot run any more where it was sent
    STARTED = "started"  # its agent reported the start
    FINISHED = "finished"  # its agent reported the result
    FAULT = "fault"  # the attempt failed by its own fault
    LOST = "lost"  # the attempt was lost with its machine, its agent or its inputs
    GAVE_WAY = "gave_way"  # it was stopped for more urgent work
    SILENCE = "silence"  # its machine did not answer in time
    OUTPUT_LOST = "output_lost"  # its output is gone, and is needed again
    GIVEN_UP = "given_up"  # there is nowhere left to try
    REFUSED = "refused"  # the provider was refused for the model that it measures
    DROPPED = "dropped"  # its machine goes: there is nothing to measure there
    MEASURED_ANEW = "measured_anew"  # its machine is back, and is measured after all
    RUN_ENDED = "run_ended"  # its run ended before it


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One transition, of an operation or of the run itself.

    Parameters
    ----------
    at_us
        Time of the site at which the brain made it.
    operation, attempt
        The operation and its latest attempt; empty and 0 for the run itself.
    before, after
        Values of `OperationState`, or of `RunState` for the run itself; `before` is empty for a
        run that has just come.
    machine
        The machine of the attempt; empty while it has none.
    detail
        The message, the reason or the more urgent operation; empty where the trigger says it all.
    """

    at_us: int
    operation: str
    attempt: int
    before: str
    after: str
    trigger: Trigger
    machine: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStory:
    """The story of a run, oldest line first.

    Parameters
    ----------
    submitted_us
        Time of the site at which the run was submitted.
    lines
        Empty where nobody kept the story: the run ended under an earlier release.
    left_out
        Number of lines that are missing from the middle of a long story.
    left_out_after
        Number of lines before the gap.
    """

    run: str
    submitted_us: int
    lines: tuple[StoryLine, ...] = ()
    left_out: int = 0
    left_out_after: int = 0
