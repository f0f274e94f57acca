"""Tools behind the command line: the demonstration, pictures of schedules, measurements.

Begin with `demo/service.py`, `gantt/chart.py` or `collecting/session.py`. No tool knows another,
and none knows the inside of a running service: they call it as users do.
"""
