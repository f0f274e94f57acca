"""Operators of a model: the times of a profile beside the counts of its graph.

Begin with `profiles.py`. A graph is counted in the confined process of `child.py` by `counting.py`,
and that process imports no more of the service than this package and the oracle's counts.
"""
