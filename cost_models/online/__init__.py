"""Learning from each execution: tracks of work, effects of loads, drift, session times.

`correction.py` is the filter of one piece of work, `tracks.py` and `register.py` keep many of them,
`causes.py` lists the causes of slowness, `slowdowns.py` asks layers about them, `drift.py` finds
lasting changes. Pure arithmetic without a clock: the same reports give the same numbers. May import
`layers.py` alone. Begin with `correction.py`; `cost_models/oracle.py` is the caller.
"""
