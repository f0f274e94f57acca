"""The methods of both clients, each written once.

A method is a generator: it yields requests (and pauses), is sent the responses, and returns.
"""

from fjord.client.calls.on_history import misses, plans
from fjord.client.calls.on_models import (
    add_partition,
    delete_model,
    delete_partition,
    model,
    models,
    partitions,
    profile,
    profiles,
    upload_model,
    wait_until_profiled,
)
from fjord.client.calls.on_runs import (
    cancel,
    explain,
    operators,
    plan,
    results,
    run,
    runs,
    story,
    submit,
    submit_many,
    trace,
    wait,
)
from fjord.client.calls.on_site import (
    devices,
    events,
    policy,
    predictions,
    ready,
    schedule,
    set_policy,
)
from fjord.client.calls.on_workloads import create_workload, delete_workload, workload, workloads

__all__ = [
    "add_partition",
    "cancel",
    "create_workload",
    "delete_model",
    "delete_partition",
    "delete_workload",
    "devices",
    "events",
    "explain",
    "misses",
    "model",
    "models",
    "operators",
    "partitions",
    "plan",
    "plans",
    "policy",
    "predictions",
    "profile",
    "profiles",
    "ready",
    "results",
    "run",
    "runs",
    "schedule",
    "set_policy",
    "story",
    "submit",
    "submit_many",
    "trace",
    "upload_model",
    "wait",
    "wait_until_profiled",
    "workload",
    "workloads",
]
