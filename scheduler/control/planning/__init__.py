"""Plans: where pending operations go and when, and what is kept free or gives way for that.

`planning.replan` goes through the steps in order: `snapshot` and `problem` freeze the present, a
solver or `decoding` places it, `reservations` keep machines free, `preemption` picks what gives
way. Around them `inserting` puts one urgent run into the plan, `improving` takes better plans,
`backfilling` and `gates` hold queued work back, `ageing` raises what has waited, `explaining` says
why. The room imports `forecast`, `state` and the words; begin at `planning.replan`.

Examples
--------
>>> from scheduler.control.planning.choices import ranks
>>> ranks(open_ops_ids=["late", "early"], start={"late": 9, "early": 1}.__getitem__)
{'early': 0, 'late': 1}
"""
