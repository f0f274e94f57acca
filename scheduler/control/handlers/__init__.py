"""Handlers: what each kind of event changes in the state.

`runs` (submitted, cancelled, expired), `reports` (started, finished), `recovery` (failed, lost),
`growth` (fan-outs), `fleet` (agents and machines that come and go), `links`, and for measurements
`profiling`, `findings` and `gaps`. `suspecting`, `hopeless` and `inversions` look after the event.
A handler decides; it changes operations and machines through `state.transitions` and asks for a new
plan through `Turn.plan_again`. The room imports `planning`, `forecast`, `state` and the words;
begin at the table `_HANDLERS` in `brain.py`.
"""
