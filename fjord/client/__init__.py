"""The client of the service. `clients` sends requests; `calls` holds the methods.

Each method is written once for both clients, as a generator of requests. `wire` turns tensors into
files and back. Begin with ``calls/on_runs.py``.
"""
