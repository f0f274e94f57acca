"""The times that a controller keeps, and the state that it is in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerSettings:
    """The times that a controller keeps.

    Parameters
    ----------
    lease_ms
        A controller that is silent for so long has lost its office.
    wedged_s
        A loop that has not moved for so long loses the office too.
    standby_s
        Pause between tries to take office.
    heartbeat_s, misses
        Agents are looked at this often; one that is away so many times in a row is lost.
    grace_s
        After the site itself slept, agents have so long to show that they live: the life of a
        heartbeat.
    view_s, unwatched_view_s
        From a change to the view that shows it, while somebody follows it and while nobody does: a
        view of a busy site takes as long as the planning of several runs.
    costs_s
        From one report on costs to the next, while anything changes.
    search_s
        Longest search for a better plan.
    question_s
        Longest search of a dry run for a better bound.
    retry_s
        Pause between tries to reach a store that is away.
    checkpoint_events, checkpoint_s, checkpoint_look_s
        A checkpoint is taken after so many events, or after this time if there were any; that is
        looked at this often.
    keep_log
        True if the log stays whole though there are checkpoints.
    """

    lease_ms: int = 3_000
    wedged_s: float = 10.0
    standby_s: float = 0.25
    heartbeat_s: float = 1.0
    misses: int = 2
    grace_s: float = 3.0
    view_s: float = 0.1
    unwatched_view_s: float = 1.0
    costs_s: float = 1.0
    search_s: float = 1.0
    question_s: float = 0.3
    retry_s: float = 0.05
    checkpoint_events: int = 2_000
    checkpoint_s: float = 30.0
    checkpoint_look_s: float = 1.0
    keep_log: bool = False


@dataclass(slots=True)
class ControllerStatus:
    """The state that a controller is in.

    Parameters
    ----------
    defects
        Events that the brain could not take in, and breakdowns of the controller itself.
    folded, fold_s
        Events of the latest fold behind its checkpoint, and the seconds it took.
    checkpoints, checkpoint_bytes, checkpoint_s
        Checkpoints that were taken; size of the latest, and the seconds that it took.
    """

    in_office: bool = False
    epoch: int = 0
    events: int = 0
    defects: int = 0
    folded: int = 0
    fold_s: float = 0.0
    checkpoints: int = 0
    checkpoint_bytes: int = 0
    checkpoint_s: float = 0.0
