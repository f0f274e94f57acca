"""Measurements of links between boxes: few at a time, and none beside critical runs."""

from __future__ import annotations

from scheduler.control.state.fleet import LiveAgent
from scheduler.control.state.state import State, Turn
from scheduler.model.links import LinkAsk, LinkMeasured
from scheduler.model.problem import Band

MOST_PEERS = 16
"""Boxes that a newcomer is measured with; its other ways stay assumed until they are used."""
AT_ONCE = 2
"""Ways that are measured at the same time in a whole site, no two of them at one box."""
PATIENCE_US = 30_000_000
"""An agent that has not answered by then will not."""


def want(state: State, box: str) -> None:
    """Have the ways to and from a box measured that has just come."""
    others = [other for other in state.living_boxes() if other != box][:MOST_PEERS]
    for other in others:
        state.links.wanted[other, box] = None
        state.links.wanted[box, other] = None


def measured(state: State, _: Turn, event: LinkMeasured) -> None:
    """Take in a measurement of an agent."""
    state.links.measured(event)


def ask(state: State, turn: Turn) -> None:
    """Have agents measure the next links, if now is a time for it."""
    links = state.links
    if not links.wanted and not links.asked:
        return
    agents = _agents(state)
    _give_up(state, agents)
    if any(state.index.in_band(Band.CRITICAL)):
        return
    if len(links.asked) >= AT_ONCE:
        return
    for pair in list(links.wanted):
        busy = {box for asked in links.asked for box in asked}
        if len(links.asked) >= AT_ONCE:
            return
        if not agents.keys() >= set(pair):
            del links.wanted[pair]
        elif not busy.intersection(pair):
            _ask(state, turn, pair, agents)


def _ask(state: State, turn: Turn, pair: tuple[str, str], agents: dict[str, LiveAgent]) -> None:
    source, target = pair
    del state.links.wanted[pair]
    state.links.asked[pair] = state.now_us
    asked = turn.measure.setdefault(agents[target].id, [])
    asked.append(LinkAsk(box=source, url=agents[source].url))


def _give_up(state: State, agents: dict[str, LiveAgent]) -> None:
    """Forget questions to a box that is gone, and note agents that do not answer."""
    links = state.links
    for pair, at_us in list(links.asked.items()):
        if not agents.keys() >= set(pair):
            del links.asked[pair]
        elif state.now_us - at_us > PATIENCE_US:
            del links.asked[pair]
            links.unmeasured(pair, f"{agents[pair[1]].id} was asked to measure it and said nothing")


def _agents(state: State) -> dict[str, LiveAgent]:
    """The first living agent of each box."""
    found: dict[str, LiveAgent] = {}
    for agent in state.agents.values():
        if agent.is_alive:
            found.setdefault(agent.box, agent)
    return found
