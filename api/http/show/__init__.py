"""Answers about runs and profiles: where they are found, and forms in which they are shown.

Begin with `finding.py`, which looks in the store and then in the archive. `results.py` answers
outputs, `trace.py` makes a trace for Perfetto, `matching.py` and `drilldown/` put profiles beside
the stages of a run. The room imports the context of the service and is imported by routes.
"""
