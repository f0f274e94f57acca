"""Measurements kept for learning: rows, their store, and their way into other tools.

`gathering.py` turns reports of agents into rows, `store.py` appends them to segments of a folder,
`parquet.py` is the only door to pyarrow. May import `features`, `online.causes` and `roofline`.
Begin with `measurement.py`, the row.
"""
