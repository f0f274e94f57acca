"""The discrete-event shell around the brain: simulated agents, simulated time, one seed.

`simulating.py` is the front door: a `Scenario` in, records of runs out. `report.py` sums them up.
"""
