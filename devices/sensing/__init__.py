"""Sensors of this box: contention, pace, energy.

`contention.py` tells the load beside a run, `pace.py` the present speed of a core, `energy.py` the
energy of packages and cards; `readings.py` and `nvidia.py` are the raw figures below. Imports no
other room, and answers 0 or ``None`` where the system does not tell. Begin with `contention.py`.
"""
