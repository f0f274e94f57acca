"""Predictions of a service: the oracle, learned models by digest, counts of graphs.

Begin with `oracle.py`, which puts the layers of a prediction together from the data folder.
`shelf.py` keeps learned models, `counting/` counts graphs in a confined child, `missing_counts.py`
makes up for counts that are not there, `loads.py` reads loads as people write them. The room
imports only processes of a box, beside `cost_models` and `devices`.
"""
