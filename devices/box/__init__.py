"""The box itself: its providers and machines, their fingerprint, the priority of processes.

`discovery.py` tries providers and makes machines of them, `host.py` and `packages.py` hold facts
that need no trial, `fingerprint.py` and `peak_cache.py` keep measured peaks apart by hardware,
`priority.py` divides contended cores. May import `sensing` and `catalogue`. Begin with
`discovery.py`.
"""
