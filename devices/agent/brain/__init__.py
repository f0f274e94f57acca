"""The state machine of an agent: events in, instructions out; no clock, no I/O.

`events.py` and `instructions.py` are all that goes in and out, `lane.py` the queues, `needs.py` the
inputs and models that work waits for, `stopping.py` the end of running work, `outbox.py` the
reports. May import the model, and no asyncio, os, socket or time. Begin with `state.py`.

Examples
--------
>>> from devices.agent.brain import events
>>> from devices.agent.brain.state import AgentState
>>> state = AgentState("a", "box", machines=[])
>>> state.handle(events.DrainRequested(at_us=1))
[Emit(report=AgentDraining(at_us=1, agent='a')), Exit()]
"""
