"""Settings of the brain, fixed before it starts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainSettings:
    """Sizes, bounds and tolerances of the online brain.

    Parameters
    ----------
    placement
        Name of the heuristic that places at once, until `PolicyChanged` names another.
    window, window_us, window_most
        Operations that a machine's queue holds ahead of the running one: so many, and more if they
        are short, until they are that much work. A queue of eight short ones would be empty before
        the next plan is there.
    urgent_window, urgent_window_us, urgent_for_us
        The same for less urgent ones, so long after the start of something critical: more of that
        may come at any moment.
    plan_horizon_operations
        Most pending operations that are planned at once; the others wait with a reason.
    max_attempts
        Attempts of one operation that may fail by its own fault.
    max_lost_attempts
        Attempts of one operation that may be lost with their machine, agent or inputs.
    late_floor_us, late_share
        A finish off its plan by more than both the floor and this share of the duration re-plans.
    patience_share, patience_us
        But not before the plan has been in force for this share of its span: no shorter than the
        floor of lateness, and no longer than this.
    planned_us, planning_share
        Time that planning anew takes per operation that waits, about, and the share of the time
        that it may take because something was off the plan.
    age_us
        A run that has waited for so long counts as one band more urgent, never as critical; 0 turns
        that off.
    min_timeout_us, timeout_factor
        Longer than the larger of the floor and this multiple of p95 is a hang.
    profile_budget_us, profile_repeats
        Time that one profile may spend, and the number of times that it runs the model.
    fill_share
        Largest share of a machine's time for measurements that nobody asked for; 0 turns them off.
    fill_idle_us
        A machine is measured on like that once it has been idle for so long.
    fill_age_us
        A measurement that is older is made anew.
    fill_seen
        Shapes that so many operations had are worth measuring.
    latency_us, bandwidth_bytes_per_s
        Assumed of the way between two boxes that nobody has measured or used.
    improve_operations, improve_makespan_us
        From how much work that is not yet sent a better plan is asked for.
    improve_share
        A plan is better from this share of the rest of the one in force. One that is proven to be
        within it of the best is as good as that.
    improve_rest, improve_rest_us
        A question waits this many times as long as the one before it took to be answered, but no
        shorter and no longer than these two; the longer, where that one got no plan.
    lease_us
        A lease of capacity for calls ends so long after somebody last wanted it.
    call_share
        Largest share of a machine's time for the calls of one lease.
    release_after_us
        Tensors that an agent may delete wait so long for a plan that tells it so on the way.
    unplaceable_us
        A run that no machine of those that joined can take waits so long for another one.
    keep_ended_us, keep_ended_runs, keep_ended_operations
        Time that ended runs are remembered, their largest number, and that of their operations.
    """

    placement: str = "heft"
    window: int = 8
    window_us: int = 100_000
    window_most: int = 64
    urgent_window: int = 4
    urgent_window_us: int = 20_000
    urgent_for_us: int = 1_000_000
    plan_horizon_operations: int = 400
    max_attempts: int = 3
    max_lost_attempts: int = 20
    late_floor_us: int = 20_000
    late_share: float = 0.25
    patience_share: float = 0.1
    patience_us: int = 100_000
    planned_us: int = 30
    planning_share: float = 0.2
    age_us: int = 60_000_000
    min_timeout_us: int = 30_000_000
    timeout_factor: int = 20
    profile_budget_us: int = 1_000_000
    profile_repeats: int = 10
    fill_share: float = 0.02
    fill_idle_us: int = 5_000_000
    fill_age_us: int = 7 * 86_400_000_000
    fill_seen: int = 3
    latency_us: int = 500
    bandwidth_bytes_per_s: int = 100_000_000
    improve_operations: int = 4
    improve_makespan_us: int = 50_000
    improve_share: float = 0.02
    improve_rest: float = 1.0
    improve_rest_us: tuple[int, int] = (50_000, 1_000_000)
    lease_us: int = 10_000_000
    call_share: float = 1.0
    release_after_us: int = 500_000
    unplaceable_us: int = 60_000_000
    keep_ended_us: int = 600_000_000
    keep_ended_runs: int = 500
    keep_ended_operations: int = 20_000

    def timeout_us(self, p95_us: int, load_us: int) -> int:
        """Longest execution, the making of its session included: what runs longer hangs."""
        return max(self.min_timeout_us, self.timeout_factor * (p95_us + load_us))
