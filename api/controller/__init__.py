"""The shell around the brain: it reads the log, carries out commands and keeps the time.

Begin with `office.py`, which puts an office together; `controller.py` takes and loses it. Each loop
beside the log has a module, and none of them knows the office; all that is written goes through
`fenced.py`. `solver_process.py` is a process of its own, so this package loads nothing by itself.
The room imports the store, processes of a box and learning.
"""
