"""Learning from the service's own measurements: rows on the disk, and better cost models.

Begin with `learning.py`, the loops of a controller in office. `recorder.py` keeps rows, `rule.py`
decides on a training, `trainer.py` starts the process of `child.py`, which calls `training.py`, and
`follower.py` has predictions stand on the model that came of it. The room imports the oracle, the
store and processes of a box. It loads nothing by itself, because its child must stay light.
"""
