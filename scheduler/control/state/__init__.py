"""The state: all that the brain knows, and the only writer of operations and machines.

`state.State` is the fold of the log, `state.Turn` the scratch pad of one event. `operations`,
`fleet` and `plan` are its parts; `transitions` alone changes the states of operations and the live
fields of machines; `runs`, `expansion` and `attempts` take runs in, unfold them and end them;
`graph`, `inputs`, `queries`, `index`, `holds`, `sessions` and `delays` answer questions; `figures`
are learned from reports. The room imports the words (`records`, `events`, `commands`, `workload`,
`settings`) and nothing of the rooms above it; begin at `state.py`.

Examples
--------
>>> from scheduler.control.state.graph import operation_id
>>> operation_id("r-1", "read", 2)
'r-1/read[2]'
"""
