import inspect
import subprocess
import sys

import pytest

import fjord
from fjord import AsyncClient, Client

METHODS = {
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
    "schedule",
    "set_policy",
    "submit",
    "trace",
    "upload_model",
    "wait",
    "wait_until_profiled",
    "workload",
    "workloads",
}


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_the_module_offers_these_names_and_no_others() -> None:
    assert fjord.__all__ == [
        "AsyncClient",
        "Client",
        "FjordApiError",
        "FjordUnreachable",
        "Run",
        "ServerEvent",
    ]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_both_clients_have_the_pinned_methods(kind: type) -> None:
    assert public(kind) == METHODS


@pytest.mark.parametrize("name", sorted(METHODS - {"close", "events"}))
def test_both_clients_take_the_same_arguments_and_say_the_same_about_themselves(name: str) -> None:
    ours, twin = getattr(Client, name), getattr(AsyncClient, name)
    assert inspect.signature(ours) == inspect.signature(twin)
    assert ours.__doc__ == twin.__doc__
    assert ours.__doc__
    assert inspect.iscoroutinefunction(twin)


def test_importing_the_client_loads_nothing_else_of_ours_and_no_numpy() -> None:
    script = (
        "import sys, fjord\n"
        "ours = [m for m in sys.modules if m.split('.')[0] in "
        "{'scheduler', 'devices', 'cost_models', 'numpy'}]\n"
        "ours += [m for m in sys.modules if m.startswith('api.') "
        "and not m.startswith('fjord')]\n"
        "print(*ours)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stdout.split() == []
