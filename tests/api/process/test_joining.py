from typing import Any

from api.process.joining import Joins


def machine(agent: str, lane: str, state: str = "up") -> dict[str, Any]:
    provider = {"provider": "cpu", "verdict": "usable"}
    refused = {"provider": "cuda", "verdict": "no_device"}
    report = {"id": f"{agent}/{lane}", "providers": [provider, refused]}
    return {"agent": agent, "state": state, "report": report}


def test_agent_is_told_once_with_its_machines_and_again_when_it_comes_back() -> None:
    joins, both = Joins(), [machine("edge", "cpu0"), machine("edge", "cpu1")]
    assert joins.news([]) == []
    assert joins.news(both) == ["edge has joined with cpu0 (cpu), cpu1 (cpu)"]
    assert joins.news([machine("edge", "cpu0", "suspected"), machine("edge", "cpu1")]) == []
    assert joins.news(both) == []
    assert joins.news([machine("edge", "cpu0", "lost")]) == []
    assert joins.is_empty
    assert joins.news(both) != []
