"""The model: the problem, the schedule, and the independent judge of both. Standard library only.

Start at `problem` (with `operations`, `machines` and the `laws` that they keep), `schedule` and
`objectives`; `checker` lists the rules that a schedule breaks, `bounds` proves lower bounds.
`ports` declares the needs of the scheduler, `errors` the tree of errors, `messages` the words
between brain and agents, `codec` and `forms` the stored forms. Imports nothing of ours.

Examples
--------
>>> from scheduler.model.checker import check
>>> from scheduler.model.objectives import Objective, evaluate
>>> from scheduler.model.problem import Job, Machine, Mode, Operation, Problem
>>> from scheduler.model.schedule import Assignment, Schedule
>>> problem = Problem(
...     machines=(Machine(id="cpu0"),),
...     jobs=(Job(id="frame"),),
...     operations=(
...         Operation(id="detect", job="frame", modes=(Mode(machine="cpu0", duration_us=5),)),
...     ),
... )
>>> placed = Assignment(operation="detect", mode=0, machine="cpu0", start_us=0, end_us=5)
>>> schedule = Schedule(assignments=(placed,))
>>> check(problem, schedule), evaluate(problem, schedule, Objective.MAKESPAN)
([], 5)
"""
