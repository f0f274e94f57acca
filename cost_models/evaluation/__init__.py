"""Quality of predictions, beside simple predictors on the same rows and the noise of the box.

`strangers.py` leaves one family of networks out at a time and `hosts.py` one host, `runs.py` and
`replays.py` predict after some runs of a partition; `baselines.py`, `opponents.py` and `noise.py`
are compared with. The top of the package: it may import
all other rooms. Begin with `report.py`.
"""
