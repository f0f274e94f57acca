import inspect

import pytest

from fjord import AsyncClient, Client

METHODS = {
    "add_partition",
    "delete_partition",
    "partitions",
    "as_completed",
    "cancel",
    "close",
    "create_workload",
    "delete_model",
    "delete_workload",
    "devices",
    "events",
    "explain",
    "misses",
    "model",
    "models",
    "operators",
    "plan",
    "plans",
    "policy",
    "profile",
    "profiles",
    "predictions",
    "results",
    "run",
    "runs",
    "ready",
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
}


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_both_clients_have_the_pinned_methods(kind: type) -> None:
    assert public(kind) == METHODS


@pytest.mark.parametrize("name", sorted(METHODS - {"as_completed", "close", "events"}))
def test_both_clients_take_the_same_arguments_and_say_the_same_about_themselves(name: str) -> None:
    ours, twin = getattr(Client, name), getattr(AsyncClient, name)
    assert inspect.signature(ours) == inspect.signature(twin)
    assert ours.__doc__ == twin.__doc__
    assert ours.__doc__
    assert inspect.iscoroutinefunction(twin)
