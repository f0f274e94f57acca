"""A process that runs one machine's operations, one at a time.

`protocol.py` is spoken with the agent, `loop.py` holds the two threads, `executor.py` carries out
an operation, `sessions.py` keeps loaded models. May import `runtime`, `functions` and what lies
below. Begin with `loop.py`.
"""
