"""Measurements of real models on this box, idle and under load: rows for cost models to learn from.

Begin with `session.py`. `corpus.py` names the points, `made.py` and `kernels/` make graphs for
them, `surroundings.py` makes the load beside them, `collector.py` measures and writes rows.
"""
