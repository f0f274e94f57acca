"""States and reasons that the brain shows, each a closed set."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """The state of a run. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OperationState(StrEnum):
    """The state of an operation."""

    EXPECTED = "expected"  # planned for, but its list is not there yet: it may never exist
    WAITING = "waiting"  # planned or queued, nothing sent
    DISPATCHED = "dispatched"  # sent to an agent
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """The reason why a candidate was not chosen, or work waits. A closed set."""

    LATER_FINISH = "later_finish"  # the chosen candidate finishes earlier
    SAME_FINISH = "same_finish"  # would finish at the same time
    WORSE_PLAN = "worse_plan"  # would finish earlier by itself, but the plan as a whole would not
    NOT_PROFILED = "not_profiled"  # the model was not measured there yet
    REFUSED = "refused"  # the provider failed the canary, fell back or declines the model
    PROVIDER_UNUSABLE = "provider_unusable"
    FORBIDDEN = "forbidden"
    NOT_ALLOWED = "not_allowed"
    MACHINE_DOWN = "machine_down"
    SUSPECTED = "suspected"  # its running work is overdue, and nothing is heard of it
    DRAINING = "draining"
    FAILED_BEFORE = "failed_before"  # an earlier attempt failed there
    NO_FUNCTION = "no_function"  # the machine does not run that function
    PINNED_ELSEWHERE = "pinned_elsewhere"  # already sent to another agent
    OUT_OF_MEMORY = "out_of_memory"
    BESIDE_CRITICAL = "beside_critical"  # nothing is measured on a box beside a critical run
    AFTER_DEVICES = "after_devices"  # a simulator is measured after the devices of its box
    NOT_CONNECTED = "not_connected"
    NO_MACHINE = "no_machine"  # nothing has joined that could run it
    WAITS_FOR_INPUT = "waits_for_input"
    WAITS_FOR_MACHINE = "waits_for_machine"
    KEPT_FREE = "kept_free"  # the machine is kept free for a more urgent run that is expected


class ReplanReason(StrEnum):
    """The reason for which all pending work is planned again. A closed set; each is counted."""

    SUBMITTED = "submitted"  # a run came, and could not be put into the plan in force
    RUN_ENDED = "run_ended"  # a run ended while an agent had work of it
    LIST_KNOWN = "list_known"  # a fan-out is not as long as it was expected to be
    UNPLANNED = "unplanned"  # something ended that the plan did not have
    FREED_URGENT = "freed_urgent"  # urgent work can start now that is behind less urgent work
    OFF_PLAN = "off_plan"  # operations took longer or shorter than planned, for long enough
    ROOM = "room"  # the plan has room for what was beyond its horizon
    FAILED = "failed"  # an attempt failed by its own fault
    LOST = "lost"  # an attempt was lost with its machine, its agent or its inputs
    OUTPUT_LOST = "output_lost"  # something is to be made again
    GAVE_WAY = "gave_way"  # something was stopped for more urgent work
    IN_THE_WAY = "in_the_way"  # less urgent work that has begun keeps critical work waiting
    RESERVATION = "reservation"  # a run that a machine is kept free for has not come, or is over
    SUSPECTED = "suspected"  # a machine does not answer
    ANSWERED = "answered"  # a suspected machine answers
    FLEET = "fleet"  # an agent or a machine came, went or changed
    TO_MEASURE = "to_measure"  # there is something to be measured
    MEASURED = "measured"  # something was measured, or will not be
    QUIET = "quiet"  # critical runs came to a box, or left it, and something is to be measured
    AGED = "aged"  # a run counts as another band because it has waited, or waits no longer
    COSTS = "costs"  # predictions stand on another model
    POLICY = "policy"  # an operator chose another policy
    WORKLOAD = "workload"  # a workload is gone for which a machine was kept free


class Cause(StrEnum):
    """The cause for which an operation waited that could have begun. A closed set."""

    LOWER_WORK = "lower_work"  # less urgent work was finishing on its machine
    STOP = "stop"  # work that ran there was told to stop and had not let go
    RESTART = "restart"  # the worker there was started again
    OTHER_WORK = "other_work"  # work of other runs, at least as urgent, went first
    OWN_WORK = "own_work"  # other operations of its run went first
    TRANSFER = "transfer"  # its inputs came from another box
    WORKER = "worker"  # its agent had handed it to the worker, which had not begun
    SESSION = "session"  # its session was made
    KEPT_FREE = "kept_free"  # the machine was kept free for a more urgent run
    NO_MACHINE = "no_machine"  # no machine was there that could run it
    RETRY = "retry"  # attempts that failed or gave way
    CONTROLLER = "controller"  # it was being planned, and word of that was on its way
    FORGOTTEN = "forgotten"  # longer ago than is remembered of its machine


class InversionKind(StrEnum):
    """The place of the more urgent work of an inversion: where it was, or ran in the end."""

    UNSENT = "unsent"  # it was ready, and its agent had not been told
    SAME_MACHINE = "same_machine"  # after the less urgent
    SAME_AGENT = "same_agent"  # on another machine of the agent
    ELSEWHERE = "elsewhere"  # with the agent that it had been sent to before: it stays with that


class Ahead(StrEnum):
    """The reason for a start where more urgent work was planned before its end. A closed set."""

    UNDER_WAY = "under_way"  # its agent had not heard yet of the plan that has the other
    WAITED = "waited"  # it had waited as long as anything is kept waiting for what is expected
    OVERDUE = "overdue"  # the other had not come by when it was last counted on
