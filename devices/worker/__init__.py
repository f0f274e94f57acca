"""A process that runs one machine's operations, one at a time.

`protocol.py` is spoken with the agent, `loop.py` holds the two threads, `executor.py` carries out
an operation, `sessions.py` keeps loaded models. May import `runtime`, `functions` and what lies
below. Begin with `loop.py`.

Examples
--------
>>> from devices.worker.protocol import LENGTH_BYTES, Ready, for_agent, frame
>>> for_agent(frame(Ready(pid=7))[LENGTH_BYTES:])
Ready(pid=7)
"""
