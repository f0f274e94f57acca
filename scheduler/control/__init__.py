"""The online brain: a pure state machine, events in and commands out.

Five rooms in the order of a turn: an event reaches `handlers`, which change `state`; `planning`
asks `forecast` and makes a plan; `outbox` says what goes out. Imports go from the later to the
earlier: outbox, handlers, planning, forecast, state. Beside them stand `brain` (the way of one
event), `invariants` and `checkpoint`; below them the words: `events`, `commands`, `records`,
`settings`, `workload`. Begin at `brain.py`; `events.py` and `commands.py` say all that can go in
and come out.
"""
