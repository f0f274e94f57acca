"""Predicts durations of work, as distributions with an origin.

Behind the port `DurationOracle` of the model. `features` counts graphs, `roofline.py` is the
physical bound, `profiles` keeps measurements, `learned` trains and serves, `online` follows each
execution, `layers.py` and `prior.py` are the beliefs about unmeasured work, `evaluation` judges.
May import `scheduler.model` and `devices.models`. Begin with `oracle.py`, which puts them together.
"""
