"""Forecasts: the time that work would take, on each machine, under the load that is to come.

`options` gives the modes of an operation, `refusals` the laws that rule the rest out, `loads` the
load of each machine, `next_runs` the runs that streams are expected to bring, `deadlines` the
chance to be in time, and `costs` what the cost report shows. Nothing here decides anything. The
room imports `state` and the words (`records`, `workload`, ...); begin at `options.options`.

Examples
--------
>>> from scheduler.control.forecast.deadlines import chance
>>> chance(end_us=100, spread=10.0, limit_us=100)
0.5
"""
